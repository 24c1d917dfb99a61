#include "ops/sum.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
sum: x (any shape)  ->  y ()

  forward   y = sum of all entries, added in double
  backward  dx = dy everywhere
  saves     nothing
  source    linearity
)";

}  // namespace

Var sum(const Var& x) {
  const Kernels& k = x.kernels();
  Tensor y({}, x.dtype());
  k.fill(y.view(), 1, k.sum(x.value().view(), x.value().size()));
  return record("sum", y, {x}, [&k, shape = x.shape()](const Tensor& dy) -> Grads {
    Tensor dx(shape, dy.dtype());
    k.fill(dx.view(), dx.size(), 1);
    k.binary(Binary::mul, dx.view(), dy.view(), dx.view(), dx.size(), 1);
    return {dx};
  });
}

const OpInfo& sum_info() {
  static const OpInfo info{.name = "sum",
                           .formula = formula,
                           .inputs = {{"x", "(...)"}},
                           .samples = {{"matrix", {normal(3, 4)}}, {"one_value", {normal()}}},
                           .errors = {},
                           .apply = [](const Call& c) -> Outputs { return {sum(c[0])}; }};
  return info;
}

}  // namespace triptych
