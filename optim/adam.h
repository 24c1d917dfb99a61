#pragma once

#include "optim/optimizer.h"

namespace triptych {

struct AdamOptions {
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0.01;
  bool decoupled = true;  // AdamW
};

// Adam (Kingma & Ba 2015, arXiv 1412.6980, Algorithm 1) and, with decoupled weight decay, AdamW (Loshchilov & Hutter
// 2019, arXiv 1711.05101, Algorithm 2), for a parameter p with gradient g at its own step t = 1, 2, ...:
//
//   g = g + decay p                                  Adam
//   m = beta1 m + (1 - beta1) g,   v = beta2 v + (1 - beta2) g^2
//   p = p (1 - lr decay) - ...                       AdamW
//   p = p - lr (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps)
//
// decay is weight_decay for the parameters that Parameter::decayed() names, else 0; lr scales AdamW's too, as in the
// common implementations (the paper's schedule multiplier is lr / peak). Buffers: m, v.
class Adam : public Optimizer {
 public:
  Adam(const Kernels& kernels, Parameters& parameters, const AdamOptions& options = {});

 private:
  void update(const Parameter& p, const Tensor& grad, Slot& slot, double lr, double grad_scale) const override;
  AdamOptions options_;
};

}  // namespace triptych
