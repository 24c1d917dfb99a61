#pragma once

#include "core/op_info.h"

namespace triptych {

// Rows times a weight each: x (..., d), s (...) -> (..., d). s is a constant (mask, weights). Throws Error(input) when
// s has another shape or wants a gradient.
Var scale_rows(const Var& x, const Var& s);

const OpInfo& scale_rows_info();

}  // namespace triptych
