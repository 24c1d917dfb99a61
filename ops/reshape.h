#pragma once

#include "core/op_info.h"

namespace triptych {

// The same values in row-major order under another shape; shares storage. Throws Error(input) unless the counts agree.
Var reshape(const Var& x, const Shape& shape);

const OpInfo& reshape_info();

}  // namespace triptych
