#pragma once

#include "core/op_info.h"

namespace triptych {

// Softmax over the last axis: x (..., n) -> (..., n). mask (B, n) with B the first size of x, 1 = real, or absent;
// masked entries get 0, and a row with no real entry is all zero. Throws Error(input) when the sizes do not fit.
Var softmax(const Var& x, const Var& mask = {});

const OpInfo& softmax_info();

}  // namespace triptych
