#pragma once

#include "core/op_info.h"

namespace triptych {

// Mean over the real tokens: x (B, L, d), mask (B, L) with 0 = none, anything else = real, or absent -> (B, d). A
// sample with no real token gives zeros. Throws Error(input) when the sizes do not fit.
Var masked_mean(const Var& x, const Var& mask = {});

const OpInfo& masked_mean_info();

}  // namespace triptych
