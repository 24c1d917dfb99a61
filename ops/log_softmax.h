#pragma once

#include "core/op_info.h"

namespace triptych {

// Logarithm of the softmax over the last axis: x (..., n) -> (..., n). Throws Error(input) for a scalar or n = 0.
Var log_softmax(const Var& x);

const OpInfo& log_softmax_info();

}  // namespace triptych
