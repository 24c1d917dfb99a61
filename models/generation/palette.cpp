#include "models/generation/palette.h"

#include "core/require.h"
#include "models/generation/per_token.h"
#include "ops/add.h"
#include "ops/concat.h"
#include "ops/matmul.h"
#include "ops/mul.h"
#include "ops/reshape.h"
#include "ops/scale_rows.h"
#include "ops/slice.h"
#include "ops/softmax.h"
#include "ops/sub.h"

namespace triptych {

namespace {

constexpr double spread = 0.05;
constexpr std::int64_t channels = 3;

// All places of -1, 0 and 1.
Tensor lattice(std::int64_t places, DType dtype) {
  Tensor at({places, channels}, dtype);
  for (std::int64_t p = 0; p < places; ++p)
    for (std::int64_t j = 0, rest = p; j < channels; ++j, rest /= 3)
      at.set(p * channels + j, static_cast<double>(rest % 3 - 1));
  return at;
}

// x (K,D) for every sample: (B,K,D).
Var for_each_sample(const Var& x, std::int64_t batch) {
  const std::int64_t colours = x.shape()[0];
  return reshape(per_token(x.tape(), reshape(x, {1, colours * channels}), batch), {batch, colours, channels});
}

// x (B,L,1) -> (B,L,d).
Var for_each_channel(const Var& x, std::int64_t d) {
  const Var ones = x.tape().constant(Tensor::full({1, d}, x.dtype(), 1));
  return reshape(matmul(reshape(x, {x.value().size(), 1}), ones), {x.shape()[0], x.shape()[1], d});
}

}  // namespace

Palette::Palette(const Init& init, std::int64_t condition)
    : moved_(init.fill("moved", {common, channels}, 0)),
      middle_(init.uniform("middle", {own, channels}, 1)),
      told_(init, "told", condition, 64, own * channels) {}

Var Palette::colours(const Context& c, const Var& condition) const {
  const std::int64_t batch = condition.shape()[0];
  const Var everywhere = add(c[moved_], c.tape().constant(lattice(common, condition.dtype())));
  const Var parts[] = {for_each_sample(everywhere, batch),
                       add(reshape(told_(c, condition), {batch, own, channels}), c[middle_])};
  return concat(parts, 1);
}

Var favour_free(const Var& logits) {
  Tensor first = Tensor::zeros({logits.shape().back()}, logits.dtype());
  first.set(0, 4);
  return add(logits, logits.tape().constant(first));
}

Var palette_velocity(const Var& x_t, const Var& t, const Var& free, const Var& logits, const Var& colours) {
  require_constant("palette_velocity", "x_t", x_t);
  require_constant("palette_velocity", "t", t);
  const Shape& shape = x_t.shape();
  const std::int64_t tokens = shape[1], d = shape[2], k = colours.shape()[1];
  Tape& tape = x_t.tape();
  Tensor pull(shape, x_t.dtype()), weight(shape.without_last(), x_t.dtype());
  for (std::int64_t i = 0; i < weight.size(); ++i) {
    const double s = t.value().at(i / tokens), n = s * s * spread * spread + (1 - s) * (1 - s);
    weight.set(i, (1 - s) / n);
    for (std::int64_t j = i * d; j < (i + 1) * d; ++j)
      pull.set(j, (1 - s - s * spread * spread) / n * x_t.value().at(j));
  }
  // r_0 (free + pull) + sum_k r_k weight c_k - pull: the shares add up to 1.
  const Var r = softmax(logits), away = tape.constant(pull);
  const Var coloured = scale_rows(matmul(slice(r, 2, 1, k + 1), colours), tape.constant(weight));
  return sub(add(mul(for_each_channel(slice(r, 2, 0, 1), d), add(free, away)), coloured), away);
}

}  // namespace triptych
