// Ops written out in simpler ops: what the registry compares them with, and what attention and feed_forward fall back
// to on a device without those kernels. Shapes as in the ops' own headers; sizes are not checked again.
#pragma once

#include "ops/attention.h"

namespace triptych::composed {

Attention attention(const Var& q, const Var& k, const Var& v, const Var& mask, int heads);
Var conv2d(const Var& x, const Var& w, const Var& b, int kernel, int stride, int pad);
Var embedding_bag(const Var& table, const Var& index, const Var& offset);
Var feed_forward(const Var& x, const Var& w1, const Var& b1, const Var& w2, const Var& b2);
Var linear(const Var& x, const Var& w, const Var& b);
Var masked_mean(const Var& x, const Var& mask);

}  // namespace triptych::composed
