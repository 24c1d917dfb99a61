#pragma once

#include "core/op_info.h"

namespace triptych {

// Keeps every column of a code alive: mean over columns of max(0, gamma - standard deviation): z (n, d), n >= 2 -> ().
// Variance has divisor n - 1; eps is added to it. At exact collapse (all rows equal) the value is largest and the
// gradient 0: the hinge keeps a code spread, it cannot revive a dead one. Throws Error(input) on other shapes or
// eps < 0. Bardes, Ponce, LeCun 2022, arXiv 2105.04906, eq. 1.
Var variance_hinge(const Var& z, double gamma = 1, double eps = 1e-4);

const OpInfo& variance_hinge_info();

}  // namespace triptych
