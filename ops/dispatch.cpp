#include "ops/dispatch.h"

#include <limits>

#include "core/require.h"

namespace triptych {

Dispatch::Dispatch(const Tensor& index, std::int64_t experts)
    : start(Tensor::zeros({experts + 1}, DType::i32)), row(index.shape(), DType::i32) {
  const std::int64_t choices = index.size(), k = index.shape()[1];
  const std::int32_t* expert = index.data<std::int32_t>();
  std::int32_t *first = start.data<std::int32_t>(), *to = row.data<std::int32_t>();
  for (std::int64_t i = 0; i < choices; ++i)
    if (expert[i] >= 0) ++first[expert[i] + 1];
  for (std::int64_t e = 0; e < experts; ++e) first[e + 1] += first[e];
  rows = first[experts];
  const std::int64_t third = (choices + 2) / 3;
  room = third > 0 ? (rows + third - 1) / third * third : 0;
  slot = Tensor({room}, DType::i32);
  token = Tensor({room}, DType::i32);
  Tensor next = start.clone();
  for (std::int64_t i = 0; i < choices; ++i) {
    to[i] = expert[i] < 0 ? -1 : next.data<std::int32_t>()[expert[i]]++;
    if (to[i] < 0) continue;
    slot.data<std::int32_t>()[to[i]] = static_cast<std::int32_t>(i);
    token.data<std::int32_t>()[to[i]] = static_cast<std::int32_t>(i / k);
  }
}

void require_experts(std::string_view op, const Var& x, const Var& gates, const Var& index, const Var& w1,
                     const Var& b1, const Var& w2, const Var& b2) {
  const std::int64_t tokens = x.shape().rows(), d = x.shape().back();
  require(gates.shape().rank() == 2 && gates.shape()[0] == tokens, op, "gates", gates, "(tokens, k)", "x", x);
  require(index.shape() == gates.shape(), op, "index", index, "of the shape of gates", "gates", gates);
  require(w1.shape().rank() == 3 && w1.shape()[2] == d, op, "w1", w1, "(experts, hidden, d)", "x", x);
  const std::int64_t experts = w1.shape()[0], hidden = w1.shape()[1];
  require(b1.shape() == Shape{experts, hidden}, op, "b1", b1, "(experts, hidden)", "w1", w1);
  require(w2.shape() == Shape{experts, d, hidden}, op, "w2", w2, "(experts, d, hidden)", "w1", w1);
  require(b2.shape() == Shape{experts, d}, op, "b2", b2, "(experts, d)", "w1", w1);
  require_index(op, "index", index, std::numeric_limits<std::int32_t>::min(), experts, "an expert, or negative", "w1",
                w1);
}

Tensor gathered(const Kernels& k, const Tensor& x, const Tensor& index, std::int64_t count, std::int64_t width) {
  Tensor y({index.size(), width}, x.dtype());
  k.gather(x.view(), index.view(), y.view(), count, width);
  return y;
}

}  // namespace triptych
