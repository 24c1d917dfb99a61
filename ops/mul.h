#pragma once

#include "core/op_info.h"

namespace triptych {

// a * b entry by entry, b repeated over leading axes: shape(b) is a suffix of shape(a), or rank 0. Throws Error(input)
// otherwise.
Var mul(const Var& a, const Var& b);

const OpInfo& mul_info();

}  // namespace triptych
