#pragma once

#include "core/op_info.h"

namespace triptych {

// alpha * x, any shape.
Var scale(const Var& x, double alpha);

const OpInfo& scale_info();

}  // namespace triptych
