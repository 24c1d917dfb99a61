#include "ops/scale_rows.h"

#include "core/require.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
scale_rows: x (..., d), s (...), a constant (mask or weights)  ->  y (..., d)

  forward   y_ij = s_i x_ij
  backward  dx_ij = s_i dy_ij
  saves     s
  source    linearity
)";

Tensor scaled(const Kernels& k, const Tensor& x, const Tensor& s) {
  Tensor y(x.shape(), x.dtype());
  k.scale_rows(x.view(), s.view(), y.view(), s.size(), x.shape().back());
  return y;
}

}  // namespace

Var scale_rows(const Var& x, const Var& s) {
  require(x.shape().rank() >= 1, "scale_rows", "x", x, "(..., d)");
  require(s.shape() == x.shape().without_last(), "scale_rows", "s", s, "the shape of x without its last size", "x", x);
  require_constant("scale_rows", "s", s);
  const Kernels& k = x.kernels();
  return record("scale_rows", scaled(k, x.value(), s.value()), {x, s},
                [&k, s = s.value()](const Tensor& dy) -> Grads { return {scaled(k, dy, s)}; });
}

const OpInfo& scale_rows_info() {
  static const OpInfo info{
      .name = "scale_rows",
      .formula = formula,
      .inputs = {{"x", "(..., d)"}, {"s", "(...)", Kind::constant}},
      .samples = {{"rows", {normal(3, 4), normal(3)}},
                  {"tokens", {normal(2, 3, 2), list({2, 3}, {1, 1, 0, 1, 0, 0})}},
                  {"vector", {normal(4), fill(0.5, {})}},
                  {"width_one", {normal(3, 1), normal(3)}}},
      .errors = {{{"sizes", {normal(3, 4), normal(4)}},
                  "[scale_rows] s (4) must be the shape of x without its last size, got x (3, 4)"}},
      .apply = [](const Call& c) -> Outputs { return {scale_rows(c[0], c[1])}; }};
  return info;
}

}  // namespace triptych
