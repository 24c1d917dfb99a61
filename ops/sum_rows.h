#pragma once

#include "core/op_info.h"

namespace triptych {

// Sum over all axes but the last: x (..., d) -> (d). Throws Error(input) when x has rank 0.
Var sum_rows(const Var& x);

const OpInfo& sum_rows_info();

}  // namespace triptych
