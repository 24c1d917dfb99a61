#pragma once

#include "core/op_info.h"

namespace triptych {

// Drives the correlation matrix of two views to the identity: a, b (n, d), n >= 2 -> (). Each view is normalised by its
// own columns' mean and biased variance (divisor n), so equal views reach 0. Throws Error(input) on other shapes,
// lambda < 0 or eps < 0. Zbontar et al. 2021, arXiv 2103.03230, eq. 1-2.
Var barlow_twins(const Var& a, const Var& b, double lambda = 0.0051, double eps = 1e-5);

const OpInfo& barlow_twins_info();

}  // namespace triptych
