#pragma once

#include "core/op_info.h"

namespace triptych {

// Rows by number: x (n, d), index int32 (...) -> (..., d). A negative index gives a zero row. Throws Error(input)
// naming the place when an index is n or more.
Var gather(const Var& x, const Var& index);

const OpInfo& gather_info();

}  // namespace triptych
