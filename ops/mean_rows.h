#pragma once

#include "core/op_info.h"

namespace triptych {

// Mean over all axes but the last: x (..., d) -> (d). Throws Error(input) when there is no row.
Var mean_rows(const Var& x);

const OpInfo& mean_rows_info();

}  // namespace triptych
