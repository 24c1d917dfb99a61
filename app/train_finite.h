// Where NaN or Inf came from, in words: asked only when a step has gone wrong.
#pragma once

#include <span>
#include <string>

#include "app/train_loop.h"

namespace triptych::app {

// "loss term 'align' is nan; the first value that is not finite is in op 'exp' (node 17)".
std::string non_finite_loss(const Tape& tape, std::span<const TermValue> terms);
// "the gradient of 'image.encoder.weight' is not finite (norm inf)".
std::string non_finite_gradient(const Parameters& parameters, std::span<const Tensor> grads);
// "parameter 'text.table' holds NaN or Inf"; empty when all are finite.
std::string non_finite_parameter(const Parameters& parameters);

}  // namespace triptych::app
