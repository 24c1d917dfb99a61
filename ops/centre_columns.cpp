#include "ops/centre_columns.h"

#include "core/require.h"
#include "ops/mean_rows.h"
#include "ops/sub.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
centre_columns: x (n, d), n >= 1  ->  y (n, d)

  forward   y_ij = x_ij - m_j,  m_j = mean over i of x_ij
  backward  dx_ij = dy_ij - mean over i of dy_ij                 (the same projection: it is symmetric)
  saves     nothing
  source    H = I - 11^T / n, the centring matrix
)";

}  // namespace

Tensor centred(const Kernels& k, const Tensor& x) {
  const std::int64_t n = x.shape()[0], d = x.shape()[1];
  Tensor mean({d}, x.dtype()), y(x.shape(), x.dtype());
  k.sum_rows(x.view(), mean.view(), n, d);
  k.axpby(1 / static_cast<double>(n), mean.view(), 0, mean.view(), d);
  k.binary(Binary::sub, x.view(), mean.view(), y.view(), y.size(), d);
  return y;
}

Var centre_columns(const Var& x) {
  require(x.shape().rank() == 2 && x.shape()[0] >= 1, "centre_columns", "x", x, "(n, d) with n >= 1");
  const Kernels& k = x.kernels();
  return record("centre_columns", centred(k, x.value()), {x},
                [&k](const Tensor& dy) -> Grads { return {centred(k, dy)}; });
}

const OpInfo& centre_columns_info() {
  static const OpInfo info{
      .name = "centre_columns",
      .formula = formula,
      .inputs = {{"x", "(n, d)"}},
      .samples = {{"matrix", {normal(4, 3)}}, {"two_rows", {normal(2, 5)}}, {"width_one", {normal(5, 1)}}},
      .errors = {{{"rank", {normal(3)}}, "[centre_columns] x (3) must be (n, d) with n >= 1"}},
      .apply = [](const Call& c) -> Outputs { return {centre_columns(c[0])}; },
      .reference = [](const Call& c) -> Outputs { return {sub(c[0], mean_rows(c[0]))}; }};
  return info;
}

}  // namespace triptych
