#pragma once

#include <optional>
#include <string>

#include "models/layers/cross_attention.h"
#include "models/layers/feed_forward.h"
#include "models/layers/layer_norm.h"

namespace triptych {

// One layer of a bank of queries that read tokens. u: queries, X: tokens, t: an opening in (-1,1), 1 if absent.
//
//   bare       u' = t A(u, X)
//   pre-norm   u <- u + t A(LN u, LN X);   u <- u + S(LN u, LN u);   u' = u + F(LN u)
//
// A: cross-attention; S: attention of the queries among themselves; F: feed-forward, hidden width 4 d. The pre-norm
// form is that of Perceiver and Flamingo (the latter's t is tanh(alpha)).
struct ReadingBlock {
  struct Norms {
    LayerNorm queries, tokens, self, mlp;
    CrossAttention among;
    FeedForward feed_forward;
  };
  CrossAttention read;
  std::optional<Norms> pre_norm;
  ReadingBlock(const Init& init, const std::string& name, std::int64_t width, int heads, bool with_norms);

  // u (n,d) or (B,n,d) -> y (B,n,d) and the maps of the reading.
  Reading operator()(const Context& c, const Var& u, const Readable& tokens, const Var& opening = {},
                     Maps maps = Maps::none) const;
  // What readings of the same tokens share; `queries` as in CrossAttention.
  Readable prepare(const Context& c, const Var& x, const Var& weight, std::int64_t queries) const;
};

}  // namespace triptych
