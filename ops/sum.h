#pragma once

#include "core/op_info.h"

namespace triptych {

// Sum of all entries: x (any shape) -> ().
Var sum(const Var& x);

const OpInfo& sum_info();

}  // namespace triptych
