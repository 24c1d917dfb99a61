#pragma once

#include "optim/optimizer.h"

namespace triptych {

struct SgdOptions {
  double momentum = 0.9;  // 0: none
  bool nesterov = false;  // without momentum: plain descent
  double weight_decay = 0.01;
};

// Stochastic gradient descent with momentum (Polyak 1964) or Nesterov's (Sutskever et al. 2013, ICML), for a parameter
// p with gradient g:
//
//   g = g + decay p
//   m = momentum m + g
//   p = p - lr m,   Nesterov: p = p - lr (g + momentum m)
//
// decay is weight_decay for the parameters that Parameter::decayed() names, else 0. Buffers: m, none without momentum.
class Sgd : public Optimizer {
 public:
  Sgd(const Kernels& kernels, Parameters& parameters, const SgdOptions& options = {});

 private:
  void update(const Parameter& p, const Tensor& grad, Slot& slot, double lr, double grad_scale) const override;
  SgdOptions options_;
};

}  // namespace triptych
