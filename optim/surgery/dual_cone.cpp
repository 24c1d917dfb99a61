#include "optim/surgery/dual_cone.h"

#include "core/require.h"
#include "optim/surgery/quadratic.h"

namespace triptych::surgery {
namespace {

constexpr std::string_view upgrad_formula = R"(
upgrad: jacobian (m, P)  ->  direction (P), weights (m)

  forward    g = 1/m sum_i of the projection of g_i on the dual cone { x : J x >= 0 },
             each J^T v with v = argmin over v >= e_i of v^T J J^T v;  w = 1/m sum_i v. Exact active set, any m
             reg > 0: J J^T / trace + reg I in place of J J^T, in the programmes alone
  guarantee  no conflict (reg = 0); zero only where Pareto stationary; linear in the scale of each gradient (reg = 0): a
             task's influence is as large as its gradient
  cost       m backward passes, m quadratic programmes of size m on J J^T
  edge       zero gradients constrain nothing; one task: its gradient
  source     Quinton, Rey 2024, arXiv 2406.16232, eq. 4 (TorchJD adds reg = 1e-4)
)";
constexpr std::string_view dualproj_formula = R"(
dualproj: jacobian (m, P)  ->  direction (P), weights (m)

  forward    g = the projection of the mean gradient on the dual cone { x : J x >= 0 },
             J^T w with w = argmin over w >= 1/m of w^T J J^T w. Exact active set, any m
             reg > 0: J J^T / trace + reg I in place of J J^T, in the programme alone
  guarantee  no conflict (reg = 0); zero only where Pareto stationary; the mean itself where it conflicts with nobody. A
             large gradient can leave a small one nothing of its own: rescaling acts on the mean before it is projected
  cost       m backward passes, one quadratic programme of size m on J J^T
  edge       zero gradients constrain nothing; one task: its gradient
  source     Lopez-Paz, Ranzato 2017, arXiv 1706.08840 (GEM), eq. 8-11; the name is TorchJD's
)";

// argmin over v >= least of v^T J J^T v: v = least + s, s >= 0, with |g_i| s_i the unknowns. `least` is brought to a
// largest entry of 1 first, so the answer does not depend on its size.
Vector projection(const Gramian& g, const Vector& least) {
  const NonZero some = non_zero(g);
  const Vector start = some.gramian.norms.cwiseProduct(Vector(least(some.tasks)));
  if (some.tasks.empty() || start.maxCoeff() == 0) return least;
  const double size = start.maxCoeff();
  const std::optional<Vector> s = nonnegative_minimum(some.gramian.cosines, -some.gramian.cosines * (start / size));
  if (!s) return least;  // cannot be: the programme is bounded by 0
  return least + spread(size * s->cwiseQuotient(some.gramian.norms), some.tasks, g.tasks());
}

Gramian regularised(const Gramian& g, double reg) {
  const double trace = g.norms.squaredNorm();
  if (reg == 0 || trace == 0) return g;
  return gramian_of(g.products() / trace + reg * Matrix::Identity(g.tasks(), g.tasks()));
}

double reg_of(const Call& c) {
  const double reg = c.number("reg");
  require(reg >= 0, c.info.name, "reg", reg, "at least 0");
  return reg;
}

const Param reg{"reg", 0.0, "added to the diagonal of J J^T / trace; 0 is exact"};

}  // namespace

Vector upgrad(const Gramian& g, double reg) {
  const Eigen::Index m = g.tasks();
  const Gramian used = regularised(g, reg);
  Vector w = Vector::Zero(m);
  for (Eigen::Index i = 0; i < m; ++i) w += projection(used, Vector::Unit(m, i));
  return w / static_cast<double>(m);
}

Vector dualproj(const Gramian& g, double reg) {
  const Eigen::Index m = g.tasks();
  return projection(regularised(g, reg), Vector::Constant(m, 1 / static_cast<double>(m)));
}

const Method& upgrad_method() {
  static const Method m =
      method("upgrad", upgrad_formula, {reg},
             {.no_conflict = Guarantees::always, .zero_proves_stationary = true, .scaling = Scaling::linear},
             [](const Gramian& g, const Call& c) { return upgrad(g, reg_of(c)); });
  return m;
}

const Method& dualproj_method() {
  static const Method m =
      method("dualproj", dualproj_formula, {reg}, {.no_conflict = Guarantees::always, .zero_proves_stationary = true},
             [](const Gramian& g, const Call& c) { return dualproj(g, reg_of(c)); });
  return m;
}

}  // namespace triptych::surgery
