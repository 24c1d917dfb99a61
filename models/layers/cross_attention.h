#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "models/layers/linear.h"

namespace triptych {

// What is read: tokens x (B,L,d), each counting weight (B,L) times; absent: once. Keys and values are there when they
// are worth their own products.
struct Readable {
  Var x, weight, keys, values;
};

struct Reading {
  Var y;     // (B,n,d); of no meaning where a sample has no weight at all
  Var maps;  // (B,heads,n,L); absent unless asked for
};

enum class Maps : std::uint8_t {
  none,
  constant,        // to look at
  differentiable,  // for a loss on them: both products of the attention are then ops of their own
};

// Multi-head cross-attention with its projections (Vaswani et al. 2017, section 3.2.2), as in PyTorch but for the key's
// bias, which the softmax cannot see: it adds the same to the logits of every token. In two forms that agree:
//
//   absorbed    key and value maps are moved to the queries and to the result (ops/attend.h): work grows with
//               queries x heads x L x d, and nothing of the tokens' size is stored
//   projected   keys and values are formed once for all the readings of the same tokens: work grows with L x d x d
struct CrossAttention {
  Linear query;
  ParameterId key;
  Linear value, output;
  int heads;
  CrossAttention(const Init& init, const std::string& name, std::int64_t width, int heads_of_it);

  // `queries` is the number of query vectors that will read these tokens, at once or one after another: it decides the
  // form. Weights other than 0 and 1 (`fractions`) and differentiable maps need the absorbed form.
  Readable prepare(const Context& c, const Var& x, const Var& weight, std::int64_t queries,
                   bool fractions = false) const;
  // The heads side by side, before the output map; queries (B,n,d), or (n,d) for the same ones in every sample.
  Reading read(const Context& c, const Var& queries, const Readable& tokens, Maps maps = Maps::none) const;
  // The means over runs of queries (n,d), `counts` long each, of operator()'s y: (B,runs,d). Absorbed form, weights of
  // 0 and 1. The means are taken of the maps, before they meet the tokens, and after that there are few rows to map.
  Var means(const Context& c, const Var& queries, std::span<const std::int64_t> counts, const Readable& tokens) const;
  Reading operator()(const Context& c, const Var& queries, const Readable& tokens, Maps maps = Maps::none) const;

 private:
  Var absorb(const Context& c, const Var& queries) const;   // (..., n, d) -> (..., n heads, d)
  Var map_values(const Context& c, const Var& read) const;  // (B, n heads, d) -> (B, n, d), heads side by side
};

// All tokens of the parts behind each other; keys and values too when every part has them.
Readable joined(std::span<const Readable> parts);

// q (n,d) -> (B,n,d), the same in every sample.
Var repeated(const Var& q, std::int64_t batch);

}  // namespace triptych
