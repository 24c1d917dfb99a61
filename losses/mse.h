#pragma once

#include "core/op_info.h"

namespace triptych {

// Mean squared difference over real elements: a, b (...) of one shape, mask = the leading axes of a (1 = real) or
// absent -> (). Where nothing is real the value and the gradients are 0. mask is a constant. Throws Error(input) on
// other shapes, an empty a, or a mask that wants a gradient.
Var mse(const Var& a, const Var& b, const Var& mask = {});

const OpInfo& mse_info();

}  // namespace triptych
