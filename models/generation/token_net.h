// The inside of a generator of feature tokens: a transformer.
#pragma once

#include <cstdint>
#include <vector>

#include "models/layers/cross_attention.h"
#include "models/layers/feed_forward.h"
#include "models/layers/layer_norm.h"

namespace triptych {

// seen (B,L,in), e (B,d) -> (B,L,out); a key that mask (B,L) calls padding is not looked at.
//
//   u = W seen + position;   per layer:   u <- u + V_l e;   u <- u + S(LN u);   u <- u + F_l(LN u);   y = O LN(u)
//
// S: self-attention, F_l: feed-forward of 2 d hidden units; O starts at 0. Peebles & Xie 2023, arXiv 2212.09748.
class TokenNet {
 public:
  TokenNet(const Init& init, std::int64_t tokens, std::int64_t in, std::int64_t out, std::int64_t width, int layers,
           int heads);
  Var operator()(const Context& c, const Var& seen, const Var& e, const Var& mask) const;

 private:
  struct Layer {
    Linear condition;
    LayerNorm before_attention, before_mlp;
    CrossAttention attention;
    FeedForward mlp;
  };
  Linear in_;
  ParameterId position_;
  std::vector<Layer> layers_;
  LayerNorm norm_;
  ParameterId out_weight_, out_bias_;
};

}  // namespace triptych
