#include "models/encoders/image.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/require.h"
#include "ops/add.h"
#include "ops/concat.h"
#include "ops/gelu.h"
#include "ops/masked_mean.h"
#include "ops/reshape.h"
#include "ops/scale.h"

namespace triptych {
namespace {

// (B,H,W,c) -> (B,HW,c).
Var positions(const Var& map) {
  const Shape& s = map.shape();
  return reshape(map, {s[0], s[1] * s[2], s[3]});
}

// How a picture is drawn, whatever it shows, as fractions of its pixels under a square root:
//   64  colours, each channel cut into 4 equal parts
//    7  absolute differences between neighbours (right and below, all channels), cut at .004 .012 .03 .06 .12 .25
// (B,H,W,3), values in [0,1] -> (B,71). Values outside count as the nearest one inside, NaN as 0.
template <class T>
void appearance(const T* x, std::int64_t height, std::int64_t width, T* out) {
  const T cuts[] = {T(0.004), T(0.012), T(0.03), T(0.06), T(0.12), T(0.25)};
  std::array<int, 64> colours{};
  std::array<int, 7> edges{};
  const auto edge = [&](T difference) {
    int bin = 0;
    for (const T cut : cuts) bin += std::abs(difference) > cut;
    ++edges[static_cast<std::size_t>(bin)];
  };
  for (std::int64_t i = 0; i < height; ++i)
    for (std::int64_t j = 0; j < width; ++j) {
      const T* p = x + (i * width + j) * 3;
      const auto part = [&](int c) { return p[c] > 0 ? static_cast<int>(T(3.999) * std::min(p[c], T(1))) : 0; };
      ++colours[static_cast<std::size_t>(16 * part(0) + 4 * part(1) + part(2))];
      for (int c = 0; c < 3; ++c) {
        if (j + 1 < width) edge(p[c + 3] - p[c]);
        if (i + 1 < height) edge(p[c + 3 * width] - p[c]);
      }
    }
  const auto share = [](int count, std::int64_t of) {
    return static_cast<T>(std::sqrt(count / static_cast<double>(of)));
  };
  for (std::size_t i = 0; i < 64; ++i) out[i] = share(colours[i], height * width);
  for (std::size_t i = 0; i < 7; ++i) out[64 + i] = share(edges[i], 3 * (height * (width - 1) + width * (height - 1)));
}

}  // namespace

Tensor appearance(const Tensor& picture) {
  const Shape& s = picture.shape();
  Tensor out({s[0], appearance_width}, picture.dtype());
  const auto all = [&]<class T>(T) {
    for (std::int64_t b = 0; b < s[0]; ++b)
      appearance(picture.data<T>() + b * s[1] * s[2] * 3, s[1], s[2], out.data<T>() + b * appearance_width);
  };
  picture.dtype() == DType::f32 ? all(float{}) : all(double{});
  standardise_rows(out);
  return out;
}

Var ConvBlock::operator()(const Context& c, const Var& x) const { return add(x, conv(c, gelu(norm(c, x)))); }

ImageEncoder::ImageEncoder(const Init& init, const std::string& name, const ModalitySpec& spec, std::int64_t width,
                           bool map)
    : norm_(init, name + ".norm", width), map_(map) {
  std::int64_t in = spec.channels, out = width / 4;
  for (int l = 0; l < 3; ++l, in = out, out *= 2) {
    const std::string level = name + ".level" + std::to_string(l);
    levels_.push_back(
        {Conv2d(init, level + ".patch", in, out, l == 0 ? 5 : 3, 2), LayerNorm(init, level + ".norm", out), {}});
    if (l > 0) levels_.back().blocks.emplace_back(init, level + ".block", out);
  }
}

Tensor ImageEncoder::surface_of(const Var& picture) {
  require(picture.shape().rank() == 4 && picture.shape()[3] == 3, "image_encoder", "picture", picture, "(B, H, W, 3)");
  return appearance(picture.value());
}

Encoded ImageEncoder::operator()(Context& c, const Var& picture, const Var& surface, double dropout) const {
  Var x = add(scale(picture, 3), c.tape().constant(Tensor::scalar(-0.75, picture.dtype())));
  for (const Level& level : levels_) {
    x = gelu(level.norm(c, level.patch(c, x)));
    for (const ConvBlock& block : level.blocks) x = block(c, x);
  }
  const std::int64_t batch = picture.shape()[0];
  Var tokens = positions(x);
  if (!map_) tokens = reshape(masked_mean(tokens, Var{}), {batch, 1, tokens.shape()[2]});
  const Var h = c.dropout(norm_(c, tokens), dropout);
  return {{h, {}},
          {reshape(surface, {batch, 1, appearance_width}), {}},
          c.tape().constant(standardised_columns(picture.kernels(), surface.value()))};
}

}  // namespace triptych
