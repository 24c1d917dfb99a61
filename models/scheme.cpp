#include "models/scheme.h"

#include "ops/add.h"
#include "ops/scale.h"
#include "ops/scale_rows.h"

namespace triptych {

Var present(const Var& mask) {
  if (!mask) return {};
  const std::int64_t batch = mask.shape()[0], tokens = mask.shape()[1];
  Tensor p = Tensor::zeros({batch}, mask.dtype());
  for (std::int64_t i = 0; i < batch * tokens; ++i)
    if (mask.value().at(i) != 0) p.set(i / tokens, 1);
  return mask.tape().constant(p);
}

Var both(const Var& a, const Var& b) {
  if (!a || !b) return a ? a : b;
  Tensor product(a.shape(), a.dtype());
  for (std::int64_t i = 0; i < product.size(); ++i) product.set(i, a.value().at(i) * b.value().at(i));
  return a.tape().constant(product);
}

Var mean_of_present(const Vars& codes, std::span<const Encoded> encoded) {
  bool masked = false;
  std::int64_t modalities = 0;
  Var any;
  for (std::size_t m = 0; m < encoded.size(); ++m) {
    if (!codes[m]) continue;
    masked = masked || encoded[m].h.mask;
    ++modalities;
    any = codes[m];
  }
  const std::int64_t batch = any.shape()[0];
  Tape& tape = any.tape();
  Var sum;
  Tensor count = Tensor::zeros({batch}, any.dtype());
  for (std::size_t m = 0; m < encoded.size(); ++m) {
    if (!codes[m]) continue;
    const Var has = present(encoded[m].h.mask);
    for (std::int64_t i = 0; masked && i < batch; ++i) count.set(i, count.at(i) + (has ? has.value().at(i) : 1));
    const Var code = has ? scale_rows(codes[m], has) : codes[m];
    sum = sum ? add(sum, code) : code;
  }
  if (!masked) return scale(sum, 1.0 / static_cast<double>(modalities));
  for (std::int64_t i = 0; i < batch; ++i) count.set(i, count.at(i) > 0 ? 1 / count.at(i) : 0);
  return scale_rows(sum, tape.constant(count));
}

}  // namespace triptych
