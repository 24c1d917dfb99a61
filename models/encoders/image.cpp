#include "models/encoders/image.h"

#include "ops/add.h"
#include "ops/concat.h"
#include "ops/gelu.h"
#include "ops/masked_mean.h"
#include "ops/reshape.h"

namespace triptych {
namespace {

// Mean over all positions: (B,H,W,c) -> (B,c).
Var pool(const Var& map) {
  const Shape& s = map.shape();
  return masked_mean(reshape(map, {s[0], s[1] * s[2], s[3]}), Var{});
}

// Means over blocks of 4 x 4 pixels, centred for a picture that is mostly background: (B,H,W,C) -> (B, H/4 W/4 C).
Tensor thumbnail(const Tensor& picture) {
  const Shape& s = picture.shape();
  const std::int64_t rows = s[1] / 4, cols = s[2] / 4, channels = s[3];
  Tensor small = Tensor::zeros({s[0], rows * cols * channels}, picture.dtype());
  const auto average = [&]<class T>(T) {
    for (std::int64_t i = 0; i < picture.size(); ++i) {
      const std::int64_t channel = i % channels, x = i / channels % s[2], y = i / channels / s[2] % s[1];
      const std::int64_t b = i / channels / s[2] / s[1];
      if (y / 4 < rows && x / 4 < cols)
        small.data<T>()[((b * rows + y / 4) * cols + x / 4) * channels + channel] += picture.data<T>()[i] / T{16};
    }
    for (std::int64_t i = 0; i < small.size(); ++i) small.data<T>()[i] = T{3} * small.data<T>()[i] - T{0.75};
  };
  picture.dtype() == DType::f32 ? average(float{}) : average(double{});
  return small;
}

}  // namespace

Var ConvBlock::operator()(const Context& c, const Var& x) const { return add(x, conv(c, gelu(norm(c, x)))); }

ImageEncoder::ImageEncoder(const Init& init, const std::string& name, const ModalitySpec& spec, std::int64_t width)
    : norm_(init, name + ".norm", width), surface_norm_(init, name + ".surface_norm", surface_width(width)) {
  std::int64_t in = spec.channels, out = width / 4;
  for (int l = 0; l < 3; ++l, in = out, out *= 2) {
    const std::string level = name + ".level" + std::to_string(l);
    levels_.push_back(
        {Conv2d(init, level + ".patch", in, out, l == 0 ? 5 : 3, 2), LayerNorm(init, level + ".norm", out), {}});
    if (l > 0) levels_.back().blocks.emplace_back(init, level + ".block", out);
  }
}

Encoded ImageEncoder::operator()(Context& c, const Var& picture, double dropout) const {
  Var x = picture;
  Vars means;
  for (const Level& level : levels_) {
    x = gelu(level.norm(c, level.patch(c, x)));
    for (const ConvBlock& block : level.blocks) x = block(c, x);
    means.push_back(pool(x));
  }
  const std::int64_t batch = picture.shape()[0];
  const Var h = c.dropout(norm_(c, means[means.size() - 1]), dropout);
  const Var surface = surface_norm_(c, concat(means, 1));
  const Var small = c.tape().constant(thumbnail(picture.value()));
  const Var parts[] = {c.tape().constant(surface.value()), small};
  return {{reshape(h, {batch, 1, h.shape()[1]}), {}},
          {reshape(surface, {batch, 1, surface.shape()[1]}), {}},
          concat(parts, 1)};
}

}  // namespace triptych
