// GradNorm: loss weights that follow how fast each task trains (Chen et al. 2018). Formula: gradnorm.cpp, `triptych
// explain gradnorm_step`.
#pragma once

#include <memory>

#include "core/op_info.h"
#include "optim/surgery/weighting.h"

namespace triptych::surgery {

struct GradNormStep {
  std::vector<double> targets;       // what each weighted gradient norm ought to be
  std::vector<double> grad_weights;  // dL_grad/dw, the targets held constant
  std::vector<double> new_weights;   // after one step of length lr, positive, summing to m
};
// norms: |dL_i/dW| without its weight, >= 0; weights > 0; loss_ratios: L_i / L_i(first step) > 0; alpha >= 0, lr >= 0.
// All of one size m >= 1. Throws Error(input) otherwise.
GradNormStep gradnorm_step(const std::vector<double>& norms, const std::vector<double>& weights,
                           const std::vector<double>& loss_ratios, double alpha = 1.5, double lr = 0.025);

const OpInfo& gradnorm_step_info();

// In training. L_i(first step) is the first value that a loss had; losses that act in a step share the weight that they
// had together, so all weights still sum to their number. Memory: "<loss>.first_loss" (0: not seen yet),
// "<loss>.weight".
std::unique_ptr<Weighting> gradnorm(std::vector<std::string> losses, double alpha, double lr);

}  // namespace triptych::surgery
