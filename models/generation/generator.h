// Generator: the velocity field of flow matching, for the tokens of one modality given two codes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/generation/generated_tokens.h"
#include "models/layers/cross_attention.h"
#include "models/layers/feed_forward.h"
#include "models/layers/layer_norm.h"

namespace triptych {

struct GeneratorConfig {
  std::int64_t width = 128;
  int layers = 4;
  int heads = 4;              // a divisor of width
  std::int64_t samples = 64;  // of a batch that a step trains on, the first ones; 0: all of its first view
};

// A transformer on noisy tokens x_t (B,L,D) at times t (B), given a condition k (B,w):
//
//   e = F [k; P x_t; sin(pi i t), cos(pi i t), i = 1..8]       P: all tokens at once        (B,d)
//   y = G e                                                    a draft                     (B,L,D)
//   u = W [x_t; y] + position;   per layer:   u <- u + V_l e;   u <- u + S(LN u);   u <- u + F_l(LN u)
//   x^ = y + O LN(u)             what the noise is taken for;     velocity v = (x^ - x_t) / (1 - t)
//
// F, G, F_l: feed-forward, of 2 d, 4 d and 2 d hidden units; S: self-attention. O starts at 0. The net names the data
// and not the velocity: the noise in x_t needs all of the token's width and would have to pass through it, the data lie
// near few dimensions. The draft says what belongs where within a few hundred steps, which layers that share their
// weights over tokens take thousands to learn; they sharpen it. Li & He 2025, arXiv 2511.13720; Peebles & Xie 2023,
// arXiv 2212.09748, for the transformer.
class Generator {
 public:
  // condition: w. Throws Error(usage, "generator.heads") unless heads divide width.
  Generator(const Init& init, const ModalitySpec& spec, std::int64_t condition, const GeneratorConfig& config);
  // t (B) a constant; mask (B,L) or absent -> (B,L,D).
  Var velocity(const Context& c, const Var& x_t, const Var& t, const Var& condition, const Var& mask) const;

 private:
  struct Layer {
    Linear condition;
    LayerNorm before_attention, before_mlp;
    CrossAttention attention;
    FeedForward mlp;
  };
  Linear look_;
  FeedForward condition_, draft_;
  Linear in_;
  ParameterId position_;
  std::vector<Layer> layers_;
  LayerNorm norm_;
  ParameterId out_weight_, out_bias_;
};

}  // namespace triptych
