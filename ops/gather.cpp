#include "ops/gather.h"

#include <limits>

#include "ops/axis.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
gather: x (n, d), index int32 (...)  ->  y (..., d)

  forward   y_i = x[index_i];   a negative index gives a zero row (padding)
  backward  dx[r] = sum of dy_i over the i with index_i = r, in the order of i
  saves     index
  source    linearity: y = S x, S a selection matrix; dx = S^T dy
)";

}  // namespace

Var gather(const Var& x, const Var& index) {
  require(x.shape().rank() == 2, "gather", "x", x, "(n, d)");
  const std::int64_t n = x.shape()[0], d = x.shape()[1], count = index.value().size();
  require_index("gather", "index", index, std::numeric_limits<std::int32_t>::min(), n, "a row of x, or negative", "x",
                x);
  const Kernels& k = x.kernels();
  Tensor y(with_axis(index.shape(), d), x.dtype());
  k.gather(x.value().view(), index.value().view(), y.view(), count, d);
  return record("gather", y, {x, index}, [&k, index = index.value(), n, d, count](const Tensor& dy) -> Grads {
    Tensor dx({n, d}, dy.dtype());
    k.gather_backward(dy.view(), index.view(), dx.view(), count, n, d);
    return {dx};
  });
}

const OpInfo& gather_info() {
  static const OpInfo info{.name = "gather",
                           .formula = formula,
                           .inputs = {{"x", "(n, d)"}, {"index", "(...)", Kind::index}},
                           .samples = {{"repeated", {normal(4, 3), list({5}, {2, 0, 2, 3, 2})}},
                                       {"padding", {normal(3, 2), list({2, 3}, {0, 1, -1, 2, -1, -1})}},
                                       {"one_index", {normal(3, 2), list({}, {1})}},
                                       {"width_one", {normal(3, 1), list({2}, {2, 0})}}},
                           .errors = {{{"range", {normal(3, 2), list({2, 2}, {0, 2, 3, 1})}},
                                       "[gather] index[2] = 3 must be a row of x, or negative, got x (3, 2)"},
                                      {{"rank", {normal(3), list({2}, {0, 1})}}, "[gather] x (3) must be (n, d)"}},
                           .apply = [](const Call& c) -> Outputs { return {gather(c[0], c[1])}; }};
  return info;
}

}  // namespace triptych
