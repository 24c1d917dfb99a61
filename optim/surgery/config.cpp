#include "optim/surgery/config.h"

#include "optim/surgery/quadratic.h"

namespace triptych::surgery {
namespace {

constexpr std::string_view formula = R"(
config: jacobian (m, P)  ->  direction (P), weights (m)

  forward    b = U^+ 1 / |U^+ 1|,  U the unit gradients (m, P);  g = (sum_i g_i.b) b
             Through the cosines C = U U^T:  U^+ 1 = U^T beta, beta = C^+ 1, |U^+ 1|^2 = beta^T C beta
  guarantee  independent gradients: no conflict, the same cosine with every task; linear in the scale of each gradient, and
             the direction does not depend on it. Dependent ones: least squares, no promise
  cost       m backward passes, O(m^3) on J J^T
  edge       zero gradients: weight 0. U^+ 1 = 0 (opposite gradients): direction and weights 0
  source     Liu, Chu, Thuerey 2024, arXiv 2408.11104, eq. 2-4
)";

}  // namespace

Vector config(const Gramian& g) {
  const NonZero some = non_zero(g);
  if (some.tasks.empty()) return Vector::Zero(g.tasks());
  const Gramian& used = some.gramian;
  const Vector beta = least_squares(used.cosines, Vector::Ones(used.tasks())).x, along = used.cosines * beta;
  const double square = beta.dot(along);
  if (square <= 1e-24) return Vector::Zero(g.tasks());
  return spread(used.norms.dot(along) / square * beta.cwiseQuotient(used.norms), some.tasks, g.tasks());
}

const Method& config_method() {
  static const Method m =
      method("config", formula, {}, {.no_conflict = Guarantees::when_independent, .scaling = Scaling::linear},
             [](const Gramian& g, const Call&) { return config(g); });
  return m;
}

}  // namespace triptych::surgery
