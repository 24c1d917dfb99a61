#pragma once

#include "core/op_info.h"

namespace triptych {

// Mean of all entries: x (any shape, not empty) -> (). Throws Error(input) when x is empty.
Var mean(const Var& x);

const OpInfo& mean_info();

}  // namespace triptych
