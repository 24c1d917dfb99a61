#pragma once

#include "core/op_info.h"

namespace triptych {

// Mean of tokens by learned weights, such as keep gates: x (B, L, d), w (B, L) >= 0 -> (B, d). The total weight counts
// as at least `floor`, so that dropping every token gives 0 and not a division by 0. Throws Error(input) when the sizes
// do not fit or floor <= 0. For constant weights of 0 and 1 masked_mean is cheaper.
Var weighted_mean(const Var& x, const Var& w, double floor = 1);

const OpInfo& weighted_mean_info();

}  // namespace triptych
