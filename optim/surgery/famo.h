// FAMO: loss weights that make all losses fall at one rate, from two values of each loss and a single gradient (Liu,
// Feng, Stone, Liu 2023). Formula: famo.cpp, `triptych explain famo_step`.
#pragma once

#include <memory>

#include "core/op_info.h"
#include "optim/surgery/weighting.h"

namespace triptych::surgery {

struct FamoStep {
  std::vector<double> coefficients;  // of the task gradients; they sum to 1
  std::vector<double> grad_logits;   // for the optimizer of the logits (Adam, lr 0.025, weight decay)
};
// losses, next_losses > 0: before and after the step on the coefficients, on the same batch. All of one size m >= 1.
// Throws Error(input) otherwise.
FamoStep famo_step(const std::vector<double>& logits, const std::vector<double>& losses,
                   const std::vector<double>& next_losses);

const OpInfo& famo_step_info();

// In training: logits start at 0 and are trained by Adam on grad_logits + decay logits, once the values after the step
// are known. Memory: "<loss>.logit" and what Adam keeps of it.
std::unique_ptr<Weighting> famo(std::vector<std::string> losses, double lr = 0.025, double decay = 0);

}  // namespace triptych::surgery
