#include "optim/surgery/mgda.h"

#include "optim/surgery/quadratic.h"

namespace triptych::surgery {
namespace {

constexpr std::string_view formula = R"(
mgda: jacobian (m, P)  ->  direction (P), weights (m)

  forward    w = argmin over the simplex (w >= 0, sum w = 1) of |J^T w|^2,  g = J^T w
             Exact for any m: with t >= 0 in place of the simplex, min over y = t w of |J^T y|^2 + (sum y - 1)^2 has its
             least value at the same w, and is a nonnegative least squares problem
  guarantee  no conflict: g.g_i >= |g|^2 for every task, equal where w_i > 0; zero exactly where Pareto stationary. Small
             gradients win: the answer is at most as long as the shortest
  cost       m backward passes, O(m^3) on J J^T for each change of the active set
  edge       a zero gradient is Pareto stationary: it takes all the weight (several share it)
  source     Desideri 2012, C. R. Math. 350; Sener, Koltun 2018, arXiv 1810.04650 (whose solver keeps 0.001 <= w <= 0.999)
)";

}  // namespace

Vector mgda(const Gramian& g) {
  const Eigen::Index m = g.tasks();
  const double least = g.norms.minCoeff();
  if (least == 0) {
    const Vector zero = (g.norms.array() == 0).cast<double>();
    return zero / zero.sum();
  }
  const Vector u = least * g.norms.cwiseInverse();  // sum y = u.beta, up to a factor that changes no w
  const Vector beta = nonnegative_minimum(g.cosines + u * u.transpose(), u).value_or(Vector::Unit(m, 0));
  const Vector w = beta.cwiseProduct(u);
  return w / w.sum();
}

const Method& mgda_method() {
  static const Method m =
      method("mgda", formula, {},
             {.no_conflict = Guarantees::always, .zero_proves_stationary = true, .stops_when_stationary = true},
             [](const Gramian& g, const Call&) { return mgda(g); });
  return m;
}

}  // namespace triptych::surgery
