#include "ops/mul.h"

#include "ops/broadcast.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
mul: a (..., d), b (d) or any suffix of a's shape, or ()  ->  y, shape of a

  forward   y = a b entry by entry, b repeated over the leading axes
  backward  da = dy b;   db = sum of dy a over the repeats
  saves     the factor that the other one's gradient needs
  source    the product rule
)";

}  // namespace

Var mul(const Var& a, const Var& b) {
  broadcast::require("mul", a, b);
  const Kernels& k = a.kernels();
  Tensor y = broadcast::apply(Binary::mul, k, a.value(), b.value());
  const Tensor for_b = b.requires_grad() ? a.value() : Tensor{}, for_a = a.requires_grad() ? b.value() : Tensor{};
  return record("mul", y, {a, b}, [&k, for_a, for_b, shape = b.shape()](const Tensor& dy) -> Grads {
    Tensor da, db;
    if (for_a) da = broadcast::apply(Binary::mul, k, dy, for_a);
    if (for_b) db = broadcast::sum_to(k, broadcast::apply(Binary::mul, k, dy, for_b), shape);
    return {da, db};
  });
}

const OpInfo& mul_info() {
  static const OpInfo info{.name = "mul",
                           .formula = formula,
                           .inputs = {{"a", "(..., d)"}, {"b", "(...)"}},
                           .samples = {{"same_shape", {normal(3, 4), normal(3, 4)}},
                                       {"row", {normal(2, 3, 4), normal(4)}},
                                       {"one_value", {normal(3, 4), normal()}},
                                       {"one_by_one", {normal(1, 1), normal(1)}}},
                           .errors = {{{"too_many_axes", {normal(3), normal(2, 3)}},
                                       "[mul] b (2, 3) must be the last sizes of a, or (), got a (3)"}},
                           .apply = [](const Call& c) -> Outputs { return {mul(c[0], c[1])}; }};
  return info;
}

}  // namespace triptych
