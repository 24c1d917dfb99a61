#pragma once

#include "core/op_info.h"

namespace triptych {

// Square root entry by entry; NaN below 0, gradient 0 at 0.
Var sqrt(const Var& x);

const OpInfo& sqrt_info();

}  // namespace triptych
