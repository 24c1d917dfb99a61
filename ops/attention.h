#pragma once

#include "core/op_info.h"

namespace triptych {

// Scaled dot-product attention in `heads` heads on projected tokens. Head i owns columns [i w, (i+1) w), w = d / heads.
// Vaswani et al. 2017, arXiv 1706.03762, eq. 1.
struct Attention {
  Var y;      // (B, Lq, d)
  Var probs;  // (B, heads, Lq, Lk), the attention maps: a constant, no gradient flows through it
};

// q (B, Lq, d), k and v (B, Lk, d), mask (B, Lk) with 1 = real token, or absent. A sample with no real token gives
// zeros. Throws Error(input) when the sizes do not fit or heads does not divide d.
Attention attention(const Var& q, const Var& k, const Var& v, const Var& mask, int heads);

const OpInfo& attention_info();

}  // namespace triptych
