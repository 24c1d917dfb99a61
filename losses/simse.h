#pragma once

#include "core/op_info.h"

namespace triptych {

// Square of the mean difference: a, b (...) of one shape -> (). Subtracted from mse it gives the variance of the
// difference, which a constant shift does not change. Throws Error(input) on other shapes.
// Eigen, Puhrsch, Fergus 2014, arXiv 1406.2283, eq. 3.
Var simse(const Var& a, const Var& b);

const OpInfo& simse_info();

}  // namespace triptych
