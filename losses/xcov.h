#pragma once

#include "core/op_info.h"

namespace triptych {

// Squared Frobenius norm of the cross-covariance (divisor n - 1): a (n, da), b (n, db), n >= 2 -> (). Depends on the
// scale of the codes. Equals HSIC with linear kernels. Throws Error(input) on other shapes.
Var xcov(const Var& a, const Var& b);

const OpInfo& xcov_info();

}  // namespace triptych
