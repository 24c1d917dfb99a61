#pragma once

#include "core/op_info.h"

namespace triptych {

// Sum of a and b, b repeated over leading axes: shape(b) is a suffix of shape(a), or rank 0. Throws Error(input)
// otherwise.
Var add(const Var& a, const Var& b);

const OpInfo& add_info();

}  // namespace triptych
