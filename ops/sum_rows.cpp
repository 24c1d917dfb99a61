#include "ops/sum_rows.h"

#include "core/require.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
sum_rows: x (..., d)  ->  y (d)

  forward   y_j = sum over all rows of x_ij
  backward  dx_ij = dy_j
  saves     nothing
  source    linearity
)";

}  // namespace

Var sum_rows(const Var& x) {
  require(x.shape().rank() >= 1, "sum_rows", "x", x, "(..., d)");
  const std::int64_t d = x.shape().back(), rows = x.shape().rows();
  const Kernels& k = x.kernels();
  Tensor y({d}, x.dtype());
  k.sum_rows(x.value().view(), y.view(), rows, d);
  return record("sum_rows", y, {x}, [&k, rows, d, shape = x.shape()](const Tensor& dy) -> Grads {
    Tensor dx(shape, dy.dtype());
    k.fill(dx.view(), dx.size(), 0);
    k.add_bias(dy.view(), dx.view(), rows, d);
    return {dx};
  });
}

const OpInfo& sum_rows_info() {
  static const OpInfo info{.name = "sum_rows",
                           .formula = formula,
                           .inputs = {{"x", "(..., d)"}},
                           .samples = {{"matrix", {normal(3, 4)}},
                                       {"tokens", {normal(2, 3, 4)}},
                                       {"one_row", {normal(1, 4)}},
                                       {"width_one", {normal(5, 1)}},
                                       {"vector", {normal(4)}}},
                           .errors = {{{"scalar", {normal()}}, "[sum_rows] x () must be (..., d)"}},
                           .apply = [](const Call& c) -> Outputs { return {sum_rows(c[0])}; }};
  return info;
}

}  // namespace triptych
