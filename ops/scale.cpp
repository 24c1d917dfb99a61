#include "ops/scale.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
scale: x (any shape), alpha a number  ->  y, shape of x

  forward   y = alpha x
  backward  dx = alpha dy
  saves     nothing
  source    linearity
)";

Tensor times(const Kernels& k, const Tensor& x, double alpha) {
  Tensor y(x.shape(), x.dtype());
  k.axpby(alpha, x.view(), 0, y.view(), y.size());
  return y;
}

}  // namespace

Var scale(const Var& x, double alpha) {
  const Kernels& k = x.kernels();
  return record("scale", times(k, x.value(), alpha), {x},
                [&k, alpha](const Tensor& dy) -> Grads { return {times(k, dy, alpha)}; });
}

const OpInfo& scale_info() {
  static const OpInfo info{
      .name = "scale",
      .formula = formula,
      .inputs = {{"x", "(...)"}},
      .params = {{"alpha", 2.0, "the factor"}},
      .samples = {{"default", {normal(3, 4)}}, {"negative", {normal(5)}, {{"alpha", -0.7}}}, {"one_value", {normal()}}},
      .errors = {},
      .apply = [](const Call& c) -> Outputs { return {scale(c[0], c.number("alpha"))}; }};
  return info;
}

}  // namespace triptych
