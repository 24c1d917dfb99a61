#include "models/shared_private/shared_private.h"

#include "ops/add.h"
#include "ops/concat.h"
#include "ops/linear.h"
#include "ops/masked_mean.h"
#include "ops/matmul.h"
#include "ops/reshape.h"

namespace triptych {

SharedPrivate::SharedPrivate(const Init& init, std::span<const EncodedWidths> modalities, std::int64_t private_width,
                             std::int64_t shared_width)
    : private_width_(private_width), shared_width_(shared_width) {
  for (const EncodedWidths& m : modalities)
    heads_.push_back({Linear(init, m.name + ".private", m.surface, private_width),
                      Linear(init.shared(), m.name + ".shared", m.h, shared_width)});
}

Factors SharedPrivate::factors(Context& c, std::span<const Encoded> encoded, double, const Wanted& wanted) const {
  Factors f;
  for (std::size_t m = 0; m < heads_.size(); ++m) {
    const auto& [h, surface, target] = encoded[m];
    const Head& head = heads_[m];
    if (!h.x) {
      f.private_codes.push_back({});
      f.shared_codes.push_back({});
      if (wanted.tokens) f.private_tokens.push_back({}), f.shared_tokens.push_back({});
      continue;
    }
    const Var mean = masked_mean(h.x, h.mask);
    const Var surface_mean = surface.x == h.x ? mean : masked_mean(surface.x, surface.mask);
    f.private_codes.push_back(head.to_private(c, surface_mean));
    f.shared_codes.push_back(head.to_shared(c, mean));
    if (!wanted.tokens) continue;
    f.private_tokens.push_back({head.to_private(c, surface.x), surface.mask});
    f.shared_tokens.push_back({head.to_shared(c, h.x), h.mask});
  }
  if (wanted.joint) f.joint = mean_of_present(f.shared_codes, encoded);
  return f;
}

// D [P h + b; S h + b'] + c = (D [P; S]) h + (D [b; b'] + c): one product with the tokens instead of three.
Var SharedPrivate::decode_tokens(const Context& c, std::size_t m, const Var& h, const Linear& decode) const {
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
