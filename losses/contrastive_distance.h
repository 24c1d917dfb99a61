#pragma once

#include "core/op_info.h"

namespace triptych {

// Picks the partner of each row among fresh samples by squared distance, with no normalisation: own, other (n, d) are
// the codes of the same samples in two modalities, negatives (m, d) those of other samples in the modality of `own`
// -> (). Starts near 0 and falls below it. Average both orders of the modalities, and clip the gradient's norm.
// Throws Error(input) on other shapes or tau <= 0. Daunhawer et al. 2023, arXiv 2303.09166.
Var contrastive_distance(const Var& own, const Var& other, const Var& negatives, double tau = 1);

const OpInfo& contrastive_distance_info();

}  // namespace triptych
