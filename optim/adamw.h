#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/parameter.h"

namespace triptych {

struct AdamWOptions {
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0.01;
};

// Adam with decoupled weight decay (Loshchilov & Hutter 2019, arXiv 1711.05101, Algorithm 2), for a parameter p with
// gradient g at its own step t = 1, 2, ...:
//
//   m = beta1 m + (1 - beta1) g,   v = beta2 v + (1 - beta2) g^2
//   p = p (1 - lr decay) - lr (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps)
//
// decay is weight_decay for the parameters that Parameter::decayed() names, else 0; lr scales it too, as in the common
// implementations (the paper's schedule multiplier is lr / peak). weight_decay = 0 is Adam.
class AdamW {
 public:
  // For all of `parameters` as they now are; they must outlive the optimizer. Takes all the memory it will ever need.
  AdamW(const Kernels& kernels, Parameters& parameters, const AdamWOptions& options = {});

  // Changes the parameters in place. grads[i] belongs to parameter i and is multiplied by grad_scale first (clip.h). A
  // parameter whose gradient is null is left alone: no moments, no decay, no step counted. Throws Error(internal) when
  // the number of gradients, or a shape or dtype, is not that of the parameters; nothing is changed then.
  void step(double lr, std::span<const Tensor> grads, double grad_scale = 1);

  // For a checkpoint: "<parameter>.m", "<parameter>.v" (the live tensors: clone to keep) and "<parameter>.steps", an
  // int32 of shape (): how many steps this parameter took.
  using State = std::vector<std::pair<std::string, Tensor>>;
  State state() const;
  // Copies such a state back, in any order. Throws Error(input, "optimizer.state") that names a tensor which is
  // missing, unknown or of another shape or dtype; nothing is changed then.
  void restore(const State& state);

 private:
  struct Slot {
    Tensor m, v;
    std::int64_t steps = 0;
  };
  const Kernels* kernels_;
  Parameters* parameters_;
  AdamWOptions options_;
  std::vector<Slot> slots_;  // one per parameter
};

}  // namespace triptych
