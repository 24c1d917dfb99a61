#include "ops/add.h"

#include "ops/broadcast.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
add: a (..., d), b (d) or any suffix of a's shape, or ()  ->  y, shape of a

  forward   y = a + b, b repeated over the leading axes
  backward  da = dy;   db = sum of dy over the repeats
  saves     nothing
  source    the sum rule
)";

}  // namespace

Var add(const Var& a, const Var& b) {
  broadcast::require("add", a, b);
  const Kernels& k = a.kernels();
  return record("add", broadcast::apply(Binary::add, k, a.value(), b.value()), {a, b},
                [&k, b = b.shape()](const Tensor& dy) -> Grads {
                  return {dy, broadcast::sum_to(k, dy, b)};
                });
}

const OpInfo& add_info() {
  static const OpInfo info{.name = "add",
                           .formula = formula,
                           .inputs = {{"a", "(..., d)"}, {"b", "(...)"}},
                           .samples = {{"same_shape", {normal(3, 4), normal(3, 4)}},
                                       {"row", {normal(2, 3, 4), normal(4)}},
                                       {"matrix", {normal(2, 3, 4), normal(3, 4)}},
                                       {"one_value", {normal(3, 4), normal()}},
                                       {"one_by_one", {normal(1, 1), normal(1)}}},
                           .errors = {{{"not_a_suffix", {normal(2, 3), normal(2)}},
                                       "[add] b (2) must be the last sizes of a, or (), got a (2, 3)"}},
                           .apply = [](const Call& c) -> Outputs { return {add(c[0], c[1])}; }};
  return info;
}

}  // namespace triptych
