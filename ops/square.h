#pragma once

#include "core/op_info.h"

namespace triptych {

// x^2 entry by entry.
Var square(const Var& x);

const OpInfo& square_info();

}  // namespace triptych
