#pragma once

#include "core/op_info.h"

namespace triptych {

// Mean of the squared entries of Ac^T Bc, columns centred, not divided by n: a (n, da), b (n, db), n >= 2 -> (). Grows
// with n^2 for one distribution, so its weight must be found anew for every batch size; `xcov` and `xcorr` do not.
// Throws Error(input) on other shapes.
Var xcov_raw(const Var& a, const Var& b);

const OpInfo& xcov_raw_info();

}  // namespace triptych
