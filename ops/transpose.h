#pragma once

#include "core/op_info.h"

namespace triptych {

// Swaps the last two axes: x (..., r, c) -> (..., c, r). Throws Error(input) when x has fewer than two.
Var transpose(const Var& x);

const OpInfo& transpose_info();

}  // namespace triptych
