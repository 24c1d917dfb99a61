#pragma once

#include "core/op_info.h"

namespace triptych {

// x W^T + b: x (..., in), w (out, in), b (out) or absent -> (..., out). Throws Error(input) when the sizes do not fit.
Var linear(const Var& x, const Var& w, const Var& b = {});

const OpInfo& linear_info();

}  // namespace triptych
