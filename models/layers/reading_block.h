#pragma once

#include <optional>
#include <span>
#include <string>
#include <variant>

#include "models/layers/cross_attention.h"
#include "models/layers/feed_forward.h"
#include "models/layers/layer_norm.h"
#include "models/layers/moe_feed_forward.h"

namespace triptych {

// One layer of a bank of queries that read tokens. u: queries, X: tokens, t: an opening in (-1,1), 1 if absent.
//
//   bare       u' = t A(u, X)
//   pre-norm   u <- u + t A(LN u, LN X);   u <- u + S(LN u, LN u);   u' = u + F(LN u)
//
// A: cross-attention; S: attention of the queries among themselves; F: feed-forward, hidden width 4 d, or experts in
// typed clusters (models/layers/moe_feed_forward.h), to which a query is a token of the bank it belongs to. The
// pre-norm form is that of Perceiver and Flamingo (the latter's t is tanh(alpha)).
struct ReadingBlock {
  struct Norms {
    LayerNorm queries, tokens, self, mlp;
    CrossAttention among;
    std::variant<FeedForward, MoeFeedForward> feed_forward;
  };
  // Who reads, for the experts; their routing is appended to `routing`.
  struct Reader {
    std::size_t bank = 0;  // a modality, or their number for the shared bank
    double gate = 1;
    Var has;  // (B): 1 where the sample has something to read; absent: all have. The others' queries are not routed
    InlineVector<Routing, 8>* routing = nullptr;
  };
  CrossAttention read;
  std::optional<Norms> pre_norm;
  // `experts`: null for a dense F. Only with norms.
  ReadingBlock(const Init& init, const std::string& name, std::int64_t width, int heads, bool with_norms,
               std::span<const std::string> modalities = {}, const MoeConfig* experts = nullptr);

  // u (n,d) or (B,n,d) -> y (B,n,d) and the maps of the reading.
  Reading operator()(Context& c, const Var& u, const Readable& tokens, const Reader& reader, const Var& opening = {},
                     Maps maps = Maps::none) const;
  // What readings of the same tokens share; `queries` as in CrossAttention.
  Readable prepare(const Context& c, const Var& x, const Var& weight, std::int64_t queries) const;
};

}  // namespace triptych
