#pragma once

#include "core/op_info.h"

namespace triptych {

// Picks the partner of each row among all rows of the other modality, by cosine similarity: a, b (n, d) -> ().
// `symmetric` averages both directions. Throws Error(input) on other shapes or tau <= 0.
// van den Oord, Li, Vinyals 2018, arXiv 1807.03748, eq. 4.
Var info_nce(const Var& a, const Var& b, double tau = 0.07, bool symmetric = false);

const OpInfo& info_nce_info();

}  // namespace triptych
