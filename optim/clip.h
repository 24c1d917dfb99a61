// Clipping by the global norm (Pascanu, Mikolov, Bengio 2013, arXiv 1211.5063, Algorithm 1), all gradients as one
// vector.
#pragma once

#include <span>

#include "core/tensor.h"

namespace triptych {

// sqrt(sum over tensors of sum g^2), in double and in the order given; null tensors are skipped. NaN or Inf in a
// gradient shows in the result: look before stepping.
double global_norm(const Kernels& kernels, std::span<const Tensor> grads);

// min(1, max_norm / norm): what every gradient is multiplied by. A NaN norm gives NaN.
double clip_factor(double norm, double max_norm);

}  // namespace triptych
