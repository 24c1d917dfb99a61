#pragma once

#include "core/op_info.h"

namespace triptych {

struct LoadLoss {
  Var value;   // () squared coefficient of variation of p_mean
  Var p_mean;  // (experts) mean probability of being chosen under fresh noise
};

// Balance of the expected load of a noisy top-k router: logits (tokens, experts) without noise; noise, a constant of
// the same shape, as it was added before choosing (standard deviation noise_std > 0; V-MoE: 1/experts); mask (tokens)
// and allowed (experts) as in losses/routing.h. Throws Error(input) on other shapes, noise_std <= 0 or a k that is not
// in [1, allowed experts]. Riquelme et al. 2021, appendix A.
LoadLoss load_loss(const Var& logits, const Var& noise, double noise_std, int k, const Var& mask = {},
                   const Var& allowed = {});

const OpInfo& load_loss_info();

}  // namespace triptych
