#pragma once

#include "core/op_info.h"

namespace triptych {

// Rows scaled to length 1: x (..., d) -> x / max(|x|, eps). A row no longer than eps has gradient 0. Throws
// Error(input) when x has rank 0.
Var row_normalise(const Var& x, double eps = 1e-12);

const OpInfo& row_normalise_info();

}  // namespace triptych
