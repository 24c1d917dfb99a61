#pragma once

#include "core/op_info.h"

namespace triptych {

// A linear map of its own for each of g groups, such as the heads of an attention: x (..., g, in), w (g, out, in) ->
// (..., g, out). With trans_w each map is used transposed: w (g, in, out). Throws Error(input) when the sizes do not
// fit.
Var grouped_linear(const Var& x, const Var& w, bool trans_w = false);

const OpInfo& grouped_linear_info();

}  // namespace triptych
