// The inside of a generator of pictures: a U-Net.
#pragma once

#include <cstdint>
#include <vector>

#include "models/layers/conv2d.h"
#include "models/layers/layer_norm.h"
#include "models/layers/linear.h"

namespace triptych {

// seen (B,H,W,in), e (B,d) -> (B,H,W,out), for H and W that are multiples of 8.
//
//   u_0 = C seen;   down, l = 0, 1, 2:   u_l <- blocks(u_l);   u_l+1 = C u_l, stride 2
//   u_3 <- blocks(u_3);   up, l = 2, 1, 0:   u_l <- u_l + (U u_l+1: every place becomes 2 x 2);   u_l <- blocks(u_l)
//   block:   u <- u + C gelu(LN u * (1 + s) + b),   (s, b) = V e;     y = C LN(u_0)
//
// C: 3 x 3 convolution, of w/4, w/2, w and 2 w channels at the four levels; the last one starts at 0. Neighbours decide
// together what they show: nets on patches took each patch's noise for itself, and their pictures were mosaics
// (docs/decisions/0019-generation.md). The gains s are what lets the net take the noise out at late t, where there is
// little of it. Ronneberger et al. 2015, arXiv 1505.04597; Ho et al. 2020, arXiv 2006.11239.
class PictureNet {
 public:
  // blocks: at each level, half of them on the way down. condition: d.
  PictureNet(const Init& init, std::int64_t in, std::int64_t out, std::int64_t condition, std::int64_t width,
             int blocks);
  Var operator()(const Context& c, const Var& seen, const Var& e) const;

 private:
  struct Block {
    LayerNorm norm;
    Linear condition;
    Conv2d conv;
    Var operator()(const Context& c, const Var& x, const Var& e) const;
  };
  struct Level {
    std::vector<Block> down, up;
    Conv2d shrink;
    Linear grow;
  };
  Conv2d in_;
  std::vector<Level> levels_;
  std::vector<Block> bottom_;
  LayerNorm norm_;
  ParameterId out_weight_, out_bias_;
};

}  // namespace triptych
