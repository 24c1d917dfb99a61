#pragma once

#include "core/op_info.h"

namespace triptych {

// Picks the partner of each row by squared distance, with no normalisation: a, b (n, d) are the codes of the same
// samples in two modalities -> (). Negatives come from the modality of a alone: negatives (m, d), the codes of other
// samples, or the other rows of a where absent (n >= 2). `symmetric` averages both orders of a and b, without
// negatives. Starts near 0 and falls below it; clip the gradient's norm. Throws Error(input) on other shapes, tau <= 0,
// or symmetric with negatives. Daunhawer et al. 2023, arXiv 2303.09166.
Var contrastive_distance(const Var& a, const Var& b, const Var& negatives = {}, double tau = 1, bool symmetric = false);

const OpInfo& contrastive_distance_info();

}  // namespace triptych
