#include "optim/surgery/mean.h"

namespace triptych::surgery {
namespace {

constexpr std::string_view mean_formula = R"(
mean: jacobian (m, P)  ->  direction (P), weights (m)

  forward    g = J^T w,  w_i = 1 / m
  guarantee  none against conflict; zero only where Pareto stationary; linear in the scale of each gradient
  cost       one backward pass for all tasks together
  edge       no special case
  source     the gradient of the mean loss
)";
constexpr std::string_view sum_formula = R"(
sum: jacobian (m, P)  ->  direction (P), weights (m)

  forward    g = J^T w,  w_i = 1
  guarantee  none against conflict; zero only where Pareto stationary; linear in the scale of each gradient
  cost       one backward pass for all tasks together
  edge       no special case
  source     the gradient of the summed loss
)";
constexpr Guarantees guarantees{.zero_proves_stationary = true, .scaling = Scaling::linear};

}  // namespace

const Method& mean_method() {
  static const Method m = method("mean", mean_formula, {}, guarantees, [](const Gramian& g, const Call&) -> Vector {
    return Vector::Constant(g.tasks(), 1 / static_cast<double>(g.tasks()));
  });
  return m;
}

const Method& sum_method() {
  static const Method m = method("sum", sum_formula, {}, guarantees,
                                 [](const Gramian& g, const Call&) -> Vector { return Vector::Ones(g.tasks()); });
  return m;
}

}  // namespace triptych::surgery
