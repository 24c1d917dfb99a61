#pragma once

#include "core/op_info.h"

namespace triptych {

// Normalises each row to mean 0 and variance 1, then scales and shifts: x (..., d), gamma (d), beta (d) -> (..., d).
// Throws Error(input) when gamma or beta is not (d). Ba, Kiros, Hinton 2016, arXiv 1607.06450, eq. 3-4.
Var layer_norm(const Var& x, const Var& gamma, const Var& beta, double eps = 1e-5);

const OpInfo& layer_norm_info();

}  // namespace triptych
