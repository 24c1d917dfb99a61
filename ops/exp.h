#pragma once

#include "core/op_info.h"

namespace triptych {

// e^x entry by entry.
Var exp(const Var& x);

const OpInfo& exp_info();

}  // namespace triptych
