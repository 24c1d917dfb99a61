#pragma once

#include "core/op_info.h"

namespace triptych {

// a - b, b repeated over leading axes: shape(b) is a suffix of shape(a), or rank 0. Throws Error(input) otherwise.
Var sub(const Var& a, const Var& b);

const OpInfo& sub_info();

}  // namespace triptych
