#include "ops/row_normalise.h"

#include "core/require.h"
#include "ops/naive.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
row_normalise: x (..., d)  ->  y (..., d)

  forward   y = x / max(|x|, eps)                                     per row, |x| the Euclidean norm
  backward  dx = (dy - y (y . dy)) / |x|,  and 0 where |x| <= eps     (dy without its part along y)
  saves     y, |x| (one number a row)
  domain    a zero row gives a zero row with gradient 0, not NaN
  source    derivative of x / |x|, e.g. Petersen, Pedersen 2012, "The matrix cookbook", eq. 130
)";

}  // namespace

Var row_normalise(const Var& x, double eps) {
  require(x.shape().rank() >= 1, "row_normalise", "x", x, "(..., d)");
  const std::int64_t d = x.shape().back(), rows = x.shape().rows();
  const Kernels& k = x.kernels();
  Tensor y(x.shape(), x.dtype()), norms({rows}, x.dtype());
  k.row_normalise(x.value().view(), y.view(), norms.view(), rows, d, eps);
  return record("row_normalise", y, {x}, [&k, y, norms, rows, d, eps](const Tensor& dy) -> Grads {
    Tensor dx(y.shape(), y.dtype());
    k.row_normalise_backward(y.view(), norms.view(), dy.view(), dx.view(), rows, d, eps);
    return {dx};
  });
}

const OpInfo& row_normalise_info() {
  static const OpInfo info{
      .name = "row_normalise",
      .formula = formula,
      .inputs = {{"x", "(..., d)"}},
      .params = {{"eps", 1e-12, "the least length divided by"}},
      .samples = {{"rows", {normal(3, 4)}},
                  {"tokens", {normal(2, 2, 3)}},
                  {"one_row", {1 + normal(1, 4)}},
                  {"vector", {1 + normal(4)}}},
      .errors = {{{"scalar", {normal()}}, "[row_normalise] x () must be (..., d)"}},
      .apply = [](const Call& c) -> Outputs { return {row_normalise(c[0], c.number("eps"))}; },
      .reference = [](const Call& c) -> Outputs { return {naive::row_normalise(c[0], c.number("eps"))}; },
      .kinks = true};
  return info;
}

}  // namespace triptych
