#include "ops/sub.h"

#include "ops/add.h"
#include "ops/broadcast.h"
#include "ops/scale.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
sub: a (..., d), b (d) or any suffix of a's shape, or ()  ->  y, shape of a

  forward   y = a - b, b repeated over the leading axes
  backward  da = dy;   db = -(sum of dy over the repeats)
  saves     nothing
  source    the sum rule
)";

}  // namespace

Var sub(const Var& a, const Var& b) {
  broadcast::require("sub", a, b);
  const Kernels& k = a.kernels();
  return record("sub", broadcast::apply(Binary::sub, k, a.value(), b.value()), {a, b},
                [&k, shape = b.shape(), wanted = b.requires_grad()](const Tensor& dy) -> Grads {
                  if (!wanted) return {dy};
                  Tensor db(shape, dy.dtype());
                  k.axpby(-1, broadcast::sum_to(k, dy, shape).view(), 0, db.view(), db.size());
                  return {dy, db};
                });
}

const OpInfo& sub_info() {
  static const OpInfo info{.name = "sub",
                           .formula = formula,
                           .inputs = {{"a", "(..., d)"}, {"b", "(...)"}},
                           .samples = {{"same_shape", {normal(3, 4), normal(3, 4)}},
                                       {"row", {normal(2, 3, 4), normal(4)}},
                                       {"one_value", {normal(3, 4), normal()}},
                                       {"one_by_one", {normal(1, 1), normal(1)}}},
                           .errors = {{{"not_a_suffix", {normal(2, 3), normal(3, 2)}},
                                       "[sub] b (3, 2) must be the last sizes of a, or (), got a (2, 3)"}},
                           .apply = [](const Call& c) -> Outputs { return {sub(c[0], c[1])}; },
                           .reference = [](const Call& c) -> Outputs { return {add(c[0], scale(c[1], -1))}; }};
  return info;
}

}  // namespace triptych
