#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/encoders/encoder.h"
#include "models/layers/conv2d.h"
#include "models/layers/layer_norm.h"
#include "models/model.h"

namespace triptych {

// How pictures (B,H,W,3) are drawn: the `surface` below, (B,appearance_width), a function without parameters.
inline constexpr std::int64_t appearance_width = 71;
Tensor appearance(const Tensor& pictures);

// x + conv3x3(gelu(layer_norm(x))): a pre-norm residual block on maps (B,H,W,c).
struct ConvBlock {
  LayerNorm norm;
  Conv2d conv;
  ConvBlock(const Init& init, const std::string& name, std::int64_t channels)
      : norm(init, name + ".norm", channels), conv(init, name + ".conv", channels, channels, 3, 1) {}
  Var operator()(const Context& c, const Var& x) const;
};

// Encoder of small pictures (B,H,W,3), colours in [0,1]: overlapping patch embeddings that halve the map three times (5
// x 5, then 3 x 3, stride 2), each with layer norm and gelu, residual blocks at the two coarser levels; all positions
// share their weights.
//   h        the mean of the coarsest map, normalised: (B,1,width); with `map`, every position of it: (B,H/8 W/8,width)
//   surface  how the picture is drawn: histograms of its colours and of the differences between neighbouring pixels, as
//            fractions under a square root, standardised (B,1,appearance_width). Style is there, the object hardly.
//   target   surface, column by column on the scale of the batch
class ImageEncoder {
 public:
  ImageEncoder(const Init& init, const std::string& name, const ModalitySpec& spec, std::int64_t width, bool map);
  // surface: that of the pictures.
  Encoded operator()(Context& c, const Var& picture, const Var& surface, double dropout) const;
  // (B,appearance_width). Throws Error(input) unless pictures are (B,H,W,3).
  static Tensor surface_of(const Var& picture);

 private:
  struct Level {
    Conv2d patch;
    LayerNorm norm;
    std::vector<ConvBlock> blocks;
  };
  std::vector<Level> levels_;
  LayerNorm norm_;
  bool map_;
};

}  // namespace triptych
