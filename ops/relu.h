#pragma once

#include "core/op_info.h"

namespace triptych {

// max(x, 0) entry by entry; gradient 0 at 0. Nair, Hinton 2010.
Var relu(const Var& x);

const OpInfo& relu_info();

}  // namespace triptych
