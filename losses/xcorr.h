#pragma once

#include "core/op_info.h"

namespace triptych {

// Mean squared correlation between the columns of two codes: a (n, da), b (n, db), n >= 2 -> () in [0, 1]. Free of
// scale; 1/(n-1) on average for independent data. A constant column has correlation 0 with everything, and gradient 0.
// Throws Error(input) on other shapes.
Var xcorr(const Var& a, const Var& b);

const OpInfo& xcorr_info();

}  // namespace triptych
