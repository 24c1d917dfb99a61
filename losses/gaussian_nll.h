#pragma once

#include "core/op_info.h"

namespace triptych {

// -log N(b; a, variance I) in nats: a, b (..., d) -> (). Summed over d, mean over the real rows of mask (the leading
// axes of a; absent: all rows); 0 when none is. The reconstruction of a variational auto-encoder: a mean over d instead
// would weigh the KL term by the width of the data. Throws Error(input) on other shapes and variance <= 0.
Var gaussian_nll(const Var& a, const Var& b, const Var& mask = {}, double variance = 1);

const OpInfo& gaussian_nll_info();

}  // namespace triptych
