#include "ops/transpose.h"

#include "core/require.h"
#include "ops/axis.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
transpose: x (..., r, c)  ->  y (..., c, r)

  forward   y[..., j, i] = x[..., i, j]
  backward  dx = transpose(dy)
  saves     nothing
  source    linearity
)";

Tensor swapped(const Kernels& k, const Tensor& x) {
  const std::int64_t r = x.shape()[-2], c = x.shape()[-1], batch = x.shape().without_last().without_last().count();
  Tensor y(with_size(x.shape(), -2, c).with_last(r), x.dtype());
  k.transpose(x.view(), y.view(), batch, r, c);
  return y;
}

}  // namespace

Var transpose(const Var& x) {
  require(x.shape().rank() >= 2, "transpose", "x", x, "(..., r, c)");
  const Kernels& k = x.kernels();
  return record("transpose", swapped(k, x.value()), {x}, [&k](const Tensor& dy) -> Grads { return {swapped(k, dy)}; });
}

const OpInfo& transpose_info() {
  static const OpInfo info{
      .name = "transpose",
      .formula = formula,
      .inputs = {{"x", "(..., r, c)"}},
      .samples = {{"matrix", {normal(3, 4)}}, {"batched", {normal(2, 3, 4)}}, {"one_row", {normal(1, 4)}}},
      .errors = {{{"rank", {normal(3)}}, "[transpose] x (3) must be (..., r, c)"}},
      .apply = [](const Call& c) -> Outputs { return {transpose(c[0])}; }};
  return info;
}

}  // namespace triptych
