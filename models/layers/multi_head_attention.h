#pragma once

#include <string>

#include "models/layers/linear.h"
#include "ops/attention.h"

namespace triptych {

// Multi-head attention with its projections (Vaswani et al. 2017, section 3.2.2): queries (B,Lq,d), keys = values
// (B,Lk,d), mask (B,Lk) or absent -> y (B,Lq,d) and the attention maps (B,heads,Lq,Lk). heads divides d.
struct MultiHeadAttention {
  Linear query, key, value, output;
  int heads;
  MultiHeadAttention(const Init& init, const std::string& name, std::int64_t width, int heads_of_it)
      : query(init, name + ".query", width, width),
        key(init, name + ".key", width, width),
        value(init, name + ".value", width, width),
        output(init, name + ".output", width, width),
        heads(heads_of_it) {}
  Attention operator()(const Context& c, const Var& queries, const Var& tokens, const Var& mask) const {
    const Attention a = attention(query(c, queries), key(c, tokens), value(c, tokens), mask, heads);
    return {output(c, a.y), a.probs};
  }
};

}  // namespace triptych
