#pragma once

#include "core/op_info.h"

namespace triptych {

// Two linear layers with gelu between: x (..., in), w1 (hidden, in), b1 (hidden), w2 (out, hidden), b2 (out) -> (...,
// out). Throws Error(input) when the sizes do not fit. Vaswani et al. 2017, arXiv 1706.03762, eq. 2.
Var feed_forward(const Var& x, const Var& w1, const Var& b1, const Var& w2, const Var& b2);

const OpInfo& feed_forward_info();

}  // namespace triptych
