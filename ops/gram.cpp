#include "ops/gram.h"

#include "core/require.h"
#include "ops/matmul.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
gram: x (n, d)  ->  y (n, n)

  forward   Y = X X^T
  backward  dX = (dY + dY^T) X          one product where matmul(x, x, trans_b) takes two
  saves     x
  source    Giles 2008, "An extended collection of matrix derivative results", 2.2.2
)";

}  // namespace

Var gram(const Var& x) {
  require(x.shape().rank() == 2, "gram", "x", x, "(n, d)");
  const std::int64_t n = x.shape()[0], d = x.shape()[1];
  const Kernels& k = x.kernels();
  Tensor y({n, n}, x.dtype());
  k.gemm({.trans_b = true, .m = n, .n = n, .k = d}, x.value().view(), x.value().view(), y.view());
  return record("gram", y, {x}, [&k, x = x.value(), n, d](const Tensor& dy) -> Grads {
    Tensor both(dy.shape(), dy.dtype()), dx(x.shape(), x.dtype());
    k.transpose(dy.view(), both.view(), 1, n, n);
    k.axpby(1, dy.view(), 1, both.view(), n * n);
    k.gemm({.m = n, .n = d, .k = n}, both.view(), x.view(), dx.view());
    return {dx};
  });
}

const OpInfo& gram_info() {
  static const OpInfo info{
      .name = "gram",
      .formula = formula,
      .inputs = {{"x", "(n, d)"}},
      .samples = {{"matrix", {normal(4, 3)}}, {"one_row", {normal(1, 3)}}, {"width_one", {normal(3, 1)}}},
      .errors = {{{"vector", {normal(3)}}, "[gram] x (3) must be (n, d)"}},
      .apply = [](const Call& c) -> Outputs { return {gram(c[0])}; },
      .reference = [](const Call& c) -> Outputs { return {matmul(c[0], c[0], false, true)}; }};
  return info;
}

}  // namespace triptych
