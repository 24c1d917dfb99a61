#include "models/shared_private/shared_private.h"

#include "core/require.h"
#include "ops/add.h"
#include "ops/concat.h"
#include "ops/linear.h"
#include "ops/masked_mean.h"
#include "ops/matmul.h"
#include "ops/reshape.h"
#include "ops/scale.h"
#include "ops/scale_rows.h"

namespace triptych {
namespace {

// 1 where a sample has at least one real token of the modality: (B,L) -> (B).
Tensor present(const Tensor& mask) {
  const std::int64_t batch = mask.shape()[0], tokens = mask.shape()[1];
  Tensor p = Tensor::zeros({batch}, mask.dtype());
  for (std::int64_t i = 0; i < batch * tokens; ++i)
    if (mask.at(i) != 0) p.set(i / tokens, 1);
  return p;
}

// Mean of the shared codes over the modalities that each sample has. A modality that the whole batch lacks has no code.
Var join(const Factors& f, std::span<const Encoded> encoded) {
  bool masked = false;
  std::int64_t modalities = 0;
  Var any;
  for (std::size_t m = 0; m < encoded.size(); ++m) {
    if (!f.shared_codes[m]) continue;
    masked = masked || encoded[m].h.mask;
    ++modalities;
    any = f.shared_codes[m];
  }
  const std::int64_t batch = any.shape()[0];
  Tape& tape = any.tape();
  Var sum;
  Tensor count = Tensor::zeros({batch}, any.dtype());
  for (std::size_t m = 0; m < encoded.size(); ++m) {
    Var s = f.shared_codes[m];
    if (!s) continue;
    const Tensor has = encoded[m].h.mask ? present(encoded[m].h.mask.value()) : Tensor::full({batch}, s.dtype(), 1);
    for (std::int64_t i = 0; masked && i < batch; ++i) count.set(i, count.at(i) + has.at(i));
    if (encoded[m].h.mask) s = scale_rows(s, tape.constant(has));
    sum = sum ? add(sum, s) : s;
  }
  if (!masked) return scale(sum, 1.0 / static_cast<double>(modalities));
  for (std::int64_t i = 0; i < batch; ++i) count.set(i, count.at(i) > 0 ? 1 / count.at(i) : 0);
  return scale_rows(sum, tape.constant(count));
}

}  // namespace

SharedPrivate::SharedPrivate(const Init& init, const SharedPrivateConfig& config) {
  for (const auto& m : config.modalities)
    heads_.push_back({Linear(init, m.name + ".private", m.surface, config.private_width),
                      Linear(init.shared(), m.name + ".shared", m.h, config.shared_width),
                      Linear(init, m.name + ".decode", config.private_width + config.shared_width, m.target)});
}

Factors SharedPrivate::factors(const Context& c, std::span<const Encoded> encoded, bool tokens) const {
  Factors f;
  for (std::size_t m = 0; m < heads_.size(); ++m) {
    const auto& [h, surface, target] = encoded[m];
    if (!h.x) {
      f.private_codes.push_back({});
      f.shared_codes.push_back({});
      continue;
    }
    const Var mean = masked_mean(h.x, h.mask);
    const Var surface_mean = surface.x == h.x ? mean : masked_mean(surface.x, surface.mask);
    f.private_codes.push_back(heads_[m].to_private(c, surface_mean));
    f.shared_codes.push_back(heads_[m].to_shared(c, mean));
    if (!tokens) continue;
    f.private_tokens.push_back(heads_[m].to_private(c, surface.x));
    f.shared_tokens.push_back(heads_[m].to_shared(c, h.x));
  }
  f.joint = join(f, encoded);
  return f;
}

Var SharedPrivate::reconstruct(const Context& c, std::size_t m, const Var& h) const {
  const Head& head = heads_[m];
  const Var project[] = {c[head.to_private.weight], c[head.to_shared.weight]};
  const Var shift[] = {c[head.to_private.bias], c[head.to_shared.bias]};
  const Var d = c[head.decode.weight];  // (target, private + shared)
  const Var b = concat(shift, 0);
  const Var weight = matmul(d, concat(project, 0));
  const Var bias = add(reshape(matmul(d, reshape(b, {b.shape()[0], 1})), {d.shape()[0]}), c[head.decode.bias]);
  return linear(h, weight, bias);
}

Var SharedPrivate::decode(const Context& c, std::size_t m, const Var& private_code, const Var& shared_code) const {
  const Var codes[] = {private_code, shared_code};
  return heads_[m].decode(c, concat(codes, 1));
}

}  // namespace triptych
