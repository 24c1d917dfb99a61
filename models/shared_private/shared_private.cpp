#include "models/shared_private/shared_private.h"

#include <algorithm>

#include "models/layers/gaussian_code.h"
#include "ops/add.h"
#include "ops/concat.h"
#include "ops/linear.h"
#include "ops/masked_mean.h"
#include "ops/matmul.h"
#include "ops/reshape.h"
#include "ops/sigmoid.h"
#include "ops/slice.h"

namespace triptych {

namespace {

// Codes before pooling, of the map's output (B,L,.): no draw, the mean of a Gaussian.
Var at_tokens(const Var& y, SharedPrivate::Code code) {
  if (code == SharedPrivate::Code::linear) return y;
  return code == SharedPrivate::Code::sigmoid ? sigmoid(y) : slice(y, 2, 0, y.shape()[2] / 2);
}

}  // namespace

SharedPrivate::SharedPrivate(const Init& init, std::span<const EncodedWidths> modalities, std::int64_t private_width,
                             std::int64_t shared_width, Code code)
    : private_width_(private_width), shared_width_(shared_width), code_(code) {
  const std::int64_t parts = code == Code::gaussian ? 2 : 1;
  const bool one_map = code == Code::sigmoid &&
                       std::ranges::all_of(modalities, [&](const EncodedWidths& m) { return m.h == modalities[0].h; });
  for (const EncodedWidths& m : modalities) {
    const Linear to_private(init, m.name + ".private", m.surface, parts * private_width);
    heads_.push_back(
        {to_private, one_map && !heads_.empty()
                         ? heads_[0].to_shared
                         : Linear(init.shared(), one_map ? "shared" : m.name + ".shared", m.h, parts * shared_width)});
  }
}

Var SharedPrivate::code(Context& c, const Linear& map, const Var& mean_token,
                        InlineVector<Factors::Gaussian, 8>& gaussian) const {
  const Var y = map(c, mean_token);
  if (code_ == Code::linear) return y;
  if (code_ == Code::sigmoid) return sigmoid(y);
  const GaussianCode drawn = gaussian_code(c, y);
  gaussian.push_back(drawn.distribution);
  return drawn.code;
}

Factors SharedPrivate::factors(Context& c, std::span<const Encoded> encoded, double, const Wanted& wanted) const {
  Factors f;
  for (std::size_t m = 0; m < heads_.size(); ++m) {
    const auto& [h, surface, target] = encoded[m];
    const Head& head = heads_[m];
    if (!h.x) {
      f.private_codes.push_back({});
      f.shared_codes.push_back({});
      if (code_ == Code::gaussian) f.private_gaussian.push_back({}), f.shared_gaussian.push_back({});
      if (wanted.tokens) f.private_tokens.push_back({}), f.shared_tokens.push_back({});
      continue;
    }
    const Var mean = masked_mean(h.x, h.mask);
    const Var surface_mean = surface.x == h.x ? mean : masked_mean(surface.x, surface.mask);
    f.private_codes.push_back(code(c, head.to_private, surface_mean, f.private_gaussian));
    f.shared_codes.push_back(code(c, head.to_shared, mean, f.shared_gaussian));
    if (!wanted.tokens) continue;
    f.private_tokens.push_back({at_tokens(head.to_private(c, surface.x), code_), surface.mask});
    f.shared_tokens.push_back({at_tokens(head.to_shared(c, h.x), code_), h.mask});
  }
  if (wanted.joint) f.joint = mean_of_present(f.shared_codes, encoded);
  return f;
}

// D [P h + b; S h + b'] + c = (D [P; S]) h + (D [b; b'] + c): one product with the tokens instead of three.
Var SharedPrivate::decode_tokens(const Context& c, std::size_t m, const Var& h, const Linear& decode) const {
  if (code_ != Code::linear) return {};
  const Head& head = heads_[m];
  const Var project[] = {c[head.to_private.weight], c[head.to_shared.weight]};
  const Var shift[] = {c[head.to_private.bias], c[head.to_shared.bias]};
  const Var d = c[decode.weight];  // (out, private + shared)
  const Var b = concat(shift, 0);
  const Var weight = matmul(d, concat(project, 0));
  const Var bias = add(reshape(matmul(d, reshape(b, {b.shape()[0], 1})), {d.shape()[0]}), c[decode.bias]);
  return linear(h, weight, bias);
}

}  // namespace triptych
