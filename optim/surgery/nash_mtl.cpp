#include "optim/surgery/nash_mtl.h"

#include <Eigen/Cholesky>
#include <cmath>

#include "optim/surgery/mgda.h"
#include "optim/surgery/quadratic.h"

namespace triptych::surgery {
namespace {

constexpr std::string_view formula = R"(
nash_mtl: jacobian (m, P)  ->  direction (P), weights (m)

  forward    g = J^T w with  J J^T w = 1 / w,  w > 0: the minimum of the strictly convex  w^T J J^T w / 2 - sum log w_i,
             in beta_i = w_i |g_i|, where only cosines are left: C beta = 1 / beta. Newton's method, damped by
             1 / (1 + decrement) (the function is self-concordant: it converges from anywhere). m = 2 in closed form:
             beta = 1 / sqrt(1 + cos)
  guarantee  no conflict: w_i g.g_i = 1 for every task; |g|^2 = m; zero exactly where Pareto stationary; rescaling a
             gradient changes nothing
  cost       m backward passes, O(m^3) on J J^T for each Newton step (about 5)
  edge       zero gradients: weight 0, they leave the bargain. Pareto stationary (the shortest convex combination of the
             unit gradients is below 1e-7): no finite solution; direction and weights 0
  source     Navon et al. 2022, arXiv 2202.01017, Claim 3.1 and eq. 3 (whose solver is a sequence of convex programmes)
)";

constexpr double stationary = 1e-14;  // the squared length below which a combination of unit vectors is zero

// The minimum of beta^T C beta / 2 - sum log beta_i.
Vector bargain(const Matrix& c) {
  Vector beta = Vector::Constant(c.rows(), 1 / std::sqrt(static_cast<double>(c.rows())));
  double last = 1;
  for (int step = 0; step < 1000; ++step) {
    const Vector gradient = c * beta - beta.cwiseInverse();
    Matrix hessian = c;
    hessian.diagonal() += beta.cwiseAbs2().cwiseInverse();
    const Vector newton = -hessian.llt().solve(gradient);
    const double decrement = std::sqrt(std::max(0.0, -gradient.dot(newton)));
    if (decrement < 1e-8 && decrement >= 0.5 * last) break;  // rounding: it would have squared itself otherwise
    beta += (decrement > 0.25 ? 1 / (1 + decrement) : 1) * newton;
    if (decrement < 1e-15) break;
    last = decrement;
  }
  return beta;
}

}  // namespace

Vector nash_mtl(const Gramian& g) {
  const NonZero some = non_zero(g);
  if (some.tasks.empty()) return Vector::Zero(g.tasks());
  const Matrix& c = some.gramian.cosines;
  const Vector shortest = mgda({Vector::Ones(c.rows()), c});
  if (shortest.dot(c * shortest) <= stationary) return Vector::Zero(g.tasks());
  return spread(bargain(c).cwiseQuotient(some.gramian.norms), some.tasks, g.tasks());
}

const Method& nash_mtl_method() {
  static const Method m = method("nash_mtl", formula, {},
                                 {.no_conflict = Guarantees::always,
                                  .zero_proves_stationary = true,
                                  .stops_when_stationary = true,
                                  .scaling = Scaling::invariant},
                                 [](const Gramian& g, const Call&) { return nash_mtl(g); });
  return m;
}

}  // namespace triptych::surgery
