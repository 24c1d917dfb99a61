#pragma once

#include "core/op_info.h"

namespace triptych {

// Hyperbolic tangent entry by entry.
Var tanh(const Var& x);

const OpInfo& tanh_info();

}  // namespace triptych
