// Homoscedastic uncertainty as loss weights (Kendall, Gal, Cipolla 2018). Formula: uncertainty_weighting.cpp, `triptych
// explain uncertainty_weighting`.
#pragma once

#include <memory>

#include "core/op_info.h"
#include "optim/surgery/weighting.h"

namespace triptych::surgery {

// losses (m) > 0, log_variances (m) -> (): the loss to train on; log_variances are trained with it. Throws Error(input)
// otherwise.
Var uncertainty_weighting(const Var& losses, const Var& log_variances);

const OpInfo& uncertainty_weighting_info();

// In training: L_i is weight_i times the loss, its log-variance starts at 0 and is trained by Adam. Memory:
// "<loss>.log_variance" and what Adam keeps of it.
std::unique_ptr<Weighting> uncertainty_weighting(std::vector<std::string> losses, double lr);

}  // namespace triptych::surgery
