#pragma once

#include "core/op_info.h"

namespace triptych {

// x Phi(x) entry by entry, Phi the standard normal distribution (the exact form). Hendrycks, Gimpel 2016,
// arXiv 1606.08415, eq. 1.
Var gelu(const Var& x);

const OpInfo& gelu_info();

}  // namespace triptych
