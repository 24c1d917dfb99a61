#include "ops/mean.h"

#include "core/require.h"
#include "ops/scale.h"
#include "ops/sum.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
mean: x (any shape, N entries, N >= 1)  ->  y ()

  forward   y = (sum of all entries) / N, added in double
  backward  dx = dy / N everywhere
  saves     nothing
  source    linearity
)";

}  // namespace

Var mean(const Var& x) {
  const std::int64_t n = x.value().size();
  require(n > 0, "mean", "x", x, "of at least one entry");
  const Kernels& k = x.kernels();
  Tensor y({}, x.dtype());
  k.fill(y.view(), 1, k.sum(x.value().view(), n) / static_cast<double>(n));
  return record("mean", y, {x}, [&k, n, shape = x.shape()](const Tensor& dy) -> Grads {
    Tensor dx(shape, dy.dtype());
    k.fill(dx.view(), n, 1 / static_cast<double>(n));
    k.binary(Binary::mul, dx.view(), dy.view(), dx.view(), n, 1);
    return {dx};
  });
}

const OpInfo& mean_info() {
  static const OpInfo info{.name = "mean",
                           .formula = formula,
                           .inputs = {{"x", "(...)"}},
                           .samples = {{"matrix", {normal(3, 4)}}, {"one_value", {normal()}}},
                           .errors = {{{"empty", {normal(0, 4)}}, "[mean] x (0, 4) must be of at least one entry"}},
                           .apply = [](const Call& c) -> Outputs { return {mean(c[0])}; },
                           .reference = [](const Call& c) -> Outputs {
                             return {scale(sum(c[0]), 1 / static_cast<double>(c[0].value().size()))};
                           }};
  return info;
}

}  // namespace triptych
