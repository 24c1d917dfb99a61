#pragma once

#include "core/op_info.h"

namespace triptych {

// 1 / (1 + e^-x) entry by entry.
Var sigmoid(const Var& x);

const OpInfo& sigmoid_info();

}  // namespace triptych
