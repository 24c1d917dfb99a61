// Homoscedastic uncertainty as loss weights (Kendall, Gal, Cipolla 2018). Formula: uncertainty_weighting.cpp, `triptych
// explain uncertainty_weighting`.
#pragma once

#include "core/op_info.h"

namespace triptych::surgery {

// losses (m) > 0, log_variances (m) -> (): the loss to train on; log_variances are trained with it. Throws Error(input)
// otherwise.
Var uncertainty_weighting(const Var& losses, const Var& log_variances);

const OpInfo& uncertainty_weighting_info();

}  // namespace triptych::surgery
