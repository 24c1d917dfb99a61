// Pictures as drawn with few colours.
#pragma once

#include <cstdint>

#include "models/context.h"
#include "models/layers/feed_forward.h"

namespace triptych {

// The colours c (B,K,D) that a picture's pixels may have, given a condition k (B,w):
//
//   c = [corners, middles and centre of the cube [-1, 1]^3, moved by parameters;  p + T k]
//
// T: feed-forward, of 64 hidden units. The second part, 16 colours, is each picture's own. D = 3.
class Palette {
 public:
  Palette(const Init& init, std::int64_t condition);
  static constexpr std::int64_t size() { return common + own; }  // K
  Var colours(const Context& c, const Var& condition) const;

 private:
  static constexpr std::int64_t common = 27, own = 16;
  ParameterId moved_, middle_;
  FeedForward told_;
};

// What a net names, with its first logit (free) greater by 4. At its start, when all it names is 0, a pixel is free
// with probability e^4 / (e^4 + 43) = 0.56 and of each of 43 colours with 0.01.
Var favour_free(const Var& logits);

// The velocity of pixels that are free, or of one of K colours give or take s = 0.05:
//
//   r = softmax(l_0, ..., l_K)                        l_0: free
//   v = r_0 free + sum_k r_k ((1 - t) c_k - (1 - t - t s^2) x_t) / (t^2 s^2 + (1 - t)^2)
//
// What r_k weighs is E[x_1 - x_0 | x_t] for x_t = t x_1 + (1 - t) x_0, x_1 ~ N(c_k, s^2). The net, which sees x_t and
// its neighbours, says which colour; losses/palette_nll.h teaches it. x_t (B,L,D) and t (B) constants (Error(input)
// else), free (B,L,D), logits (B,L,K+1), colours (B,K,D) -> (B,L,D). A mixture of Gaussians as what a flow's net names:
// Chen et al. 2025, arXiv 2504.05304.
Var palette_velocity(const Var& x_t, const Var& t, const Var& free, const Var& logits, const Var& colours);

}  // namespace triptych
