#include "optim/surgery/imtl_g.h"

#include <cmath>

#include "optim/surgery/quadratic.h"

namespace triptych::surgery {
namespace {

constexpr std::string_view formula = R"(
imtl_g: jacobian (m, P)  ->  direction (P), weights (m)

  forward    g = J^T w,  w = G^+ d / |sum G^+ d|,  G = J J^T,  d_i = |g_i|: equal projections on all unit gradients, weights
             that sum to 1. Independent gradients: w_i = beta_i / |g_i| with C beta = 1, C the cosines
  guarantee  independent gradients: no conflict, the same cosine with every task; rescaling a gradient changes the length
             of g alone. Dependent ones: least squares, no promise
  cost       m backward passes, O(m^3) on J J^T
  edge       weights may be negative. Where their sum is (gradients of very unequal size), the paper's form, without the
             bars, points against every task; here they sum to -1 and g still agrees with all. sum G^+ d = 0 up to 1e-12
             (opposite gradients): direction and weights 0. Zero gradients: weight 0
  source     Liu et al. 2021, Towards Impartial Multi-task Learning, ICLR, eq. 6, by pseudo-inverse
)";

}  // namespace

Vector imtl_g(const Gramian& g) {
  const NonZero some = non_zero(g);
  if (some.tasks.empty()) return Vector::Zero(g.tasks());
  const Gramian& used = some.gramian;
  const Vector relative = used.norms / used.norms.maxCoeff();
  const LeastSquares beta = least_squares(used.cosines, Vector::Ones(used.tasks()));
  Vector w = beta.x.cwiseQuotient(relative);
  if (!beta.full_rank) w = least_squares(Gramian{relative, used.cosines}.products(), relative).x;
  const double sum = std::abs(w.sum());
  if (sum <= 1e-12 * w.cwiseAbs().sum()) return Vector::Zero(g.tasks());
  return spread(w / sum, some.tasks, g.tasks());
}

const Method& imtl_g_method() {
  static const Method m =
      method("imtl_g", formula, {}, {.no_conflict = Guarantees::when_independent, .scaling = Scaling::invariant},
             [](const Gramian& g, const Call&) { return imtl_g(g); });
  return m;
}

}  // namespace triptych::surgery
