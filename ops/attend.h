#pragma once

#include "core/op_info.h"

namespace triptych {

// Tokens read as they are, by queries of their own width and without a scale: what multi-head attention comes to when
// its key and value maps are moved to the queries and to the result,
//
//   q . (W_k x) = (W_k^T q) . x        sum_j P_j (W_v x_j) = W_v (sum_j P_j x_j)
//
// which is exact, and less work when there are fewer queries times heads than columns. The bias of a key is the same
// for every token, so the softmax does not see it.
struct Attend {
  Var y;      // (B, r, d)
  Var probs;  // (B, r, L), a constant
};

// q (B, r, d), or (r, d) for the same queries in every sample; x (B, L, d); weight (B, L) or absent, a constant >= 0
// that says how often a token counts: 1 real, 0 padding, anything else adds its logarithm to the token's logits. A
// sample without any weight gives zeros. Throws Error(input) when the sizes do not fit.
Attend attend(const Var& q, const Var& x, const Var& weight = {});

const OpInfo& attend_info();

}  // namespace triptych
