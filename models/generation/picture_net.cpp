#include "models/generation/picture_net.h"

#include "models/generation/per_token.h"
#include "ops/add.h"
#include "ops/gelu.h"
#include "ops/mul.h"
#include "ops/reshape.h"
#include "ops/slice.h"

namespace triptych {

namespace {

constexpr int halvings = 3;

// (B,H,W,4 c) -> (B,2 H,2 W,c): the four parts of a place's channels are its upper and its lower two places.
Var spread(Tape& tape, const Var& x) {
  const Shape& s = x.shape();
  const std::int64_t h = 2 * s[1], w = 2 * s[2];
  Tensor index({s[0], h, w}, DType::i32);
  std::int32_t* to = index.data<std::int32_t>();
  for (std::int64_t b = 0; b < s[0]; ++b)
    for (std::int64_t i = 0; i < h; ++i)
      for (std::int64_t j = 0; j < w; ++j)
        *to++ = static_cast<std::int32_t>(((b * s[1] + i / 2) * s[2] + j / 2) * 4 + i % 2 * 2 + j % 2);
  return gather(reshape(x, {4 * s[0] * s[1] * s[2], s[3] / 4}), tape.constant(index));
}

}  // namespace

Var PictureNet::Block::operator()(const Context& c, const Var& x, const Var& e) const {
  const Shape& s = x.shape();
  const Var told = condition(c, e), n = norm(c, x);
  const auto everywhere = [&](std::int64_t from) {
    return reshape(per_token(c.tape(), slice(told, 1, from, from + s[3]), s[1] * s[2]), s);
  };
  return add(x, conv(c, gelu(add(add(n, mul(n, everywhere(0))), everywhere(s[3])))));
}

PictureNet::PictureNet(const Init& init, std::int64_t in, std::int64_t out, std::int64_t condition, std::int64_t width,
                       int blocks)
    : in_(init, "in", in, width / 4, 3, 1),
      norm_(init, "norm", width / 4),
      out_weight_(init.fill("out.weight", {out, 9 * (width / 4)}, 0)),
      out_bias_(init.fill("out.bias", {out}, 0)) {
  const auto some = [&](const std::string& name, std::int64_t channels, int count) {
    std::vector<Block> made;
    for (int b = 0; b < count; ++b) {
      const std::string block = name + std::to_string(b);
      made.push_back({LayerNorm(init, block + ".norm", channels),
                      Linear(init, block + ".condition", condition, 2 * channels),
                      Conv2d(init, block + ".conv", channels, channels, 3, 1)});
    }
    return made;
  };
  std::int64_t channels = width / 4;
  for (int l = 0; l < halvings; ++l, channels *= 2) {
    const std::string level = "level" + std::to_string(l);
    levels_.push_back({some(level + ".down", channels, (blocks + 1) / 2), some(level + ".up", channels, blocks / 2),
                       Conv2d(init, level + ".shrink", channels, 2 * channels, 3, 2),
                       Linear(init, level + ".grow", 2 * channels, 4 * channels)});
  }
  bottom_ = some("bottom", channels, blocks);
}

Var PictureNet::operator()(const Context& c, const Var& seen, const Var& e) const {
  Vars skipped;
  Var u = in_(c, seen);
  for (const Level& level : levels_) {
    for (const Block& block : level.down) u = block(c, u, e);
    skipped.push_back(u);
    u = level.shrink(c, u);
  }
  for (const Block& block : bottom_) u = block(c, u, e);
  for (int l = halvings; l-- > 0;) {
    const Level& level = levels_[static_cast<std::size_t>(l)];
    u = add(skipped[static_cast<std::size_t>(l)], spread(c.tape(), level.grow(c, u)));
    for (const Block& block : level.up) u = block(c, u, e);
  }
  return conv2d(norm_(c, u), c[out_weight_], c[out_bias_], 3, 1, 1);
}

}  // namespace triptych
