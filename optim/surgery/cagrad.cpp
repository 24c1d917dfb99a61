#include "optim/surgery/cagrad.h"

#include <algorithm>
#include <cmath>

#include "core/require.h"
#include "optim/surgery/quadratic.h"

namespace triptych::surgery {
namespace {

constexpr std::string_view formula = R"(
cagrad: jacobian (m, P)  ->  direction (P), weights (m)

  forward    g = argmax over |g - g_0| <= c |g_0| of min_i g.g_i,  g_0 = J^T 1/m;  then divided by 1 (rescale = 0),
             1 + c^2 (1) or 1 + c (2). In the paper's dual: g = g_0 + c |g_0| g_w / |g_w|, g_w = J^T w with
             w = argmin over the simplex of g_w.g_0 + c |g_0| |g_w|
             Solved from the primal: for a level l, the least x with g_i.(g_0 + x) >= l is J^T v, v >= 0 the solution of a
             quadratic programme; |x| grows with l, and on each support is the root of a quadratic. Exact for any m
  guarantee  no conflict where c >= 1; below, the step stays near the mean, whose stationary points it shares (c < 1). Zero
             only where Pareto stationary. c = 0 is the mean, c -> infinity tends to MGDA's direction
  cost       m backward passes, a few quadratic programmes of size m on J J^T
  edge       mean 0: direction 0. Pareto stationary and c >= 1: many g are best (all with least g.g_i = 0), the one nearest
             to the mean is taken
  source     Liu et al. 2021, arXiv 2110.14048, eq. 3 and Algorithm 1 (c = 0.4 to 0.5)
)";

// x(l): the weights of unit gradients, >= 0, of the shortest x that lifts every task to the level l.
struct Lift {
  const Matrix& cosines;
  const Vector& relative;  // |g_i|, the largest 1
  const Vector& slopes;    // u_i.g_0

  std::optional<Vector> at(double level) const {
    return nonnegative_minimum(cosines, level * relative.cwiseInverse() - slopes);
  }
  double square(const Vector& beta) const { return beta.dot(cosines * beta); }

  // The level at which |x|^2 = `wanted` as long as the support of beta stays what it is; NaN when there is none.
  double level_on_support(const Vector& beta, double wanted) const {
    std::vector<Eigen::Index> support;
    for (Eigen::Index i = 0; i < beta.size(); ++i)
      if (beta(i) > 0) support.push_back(i);
    const Vector a = Vector(relative(support)).cwiseInverse(), p = slopes(support);
    const Matrix c = cosines(support, support);
    const Vector ca = least_squares(c, a).x, cp = least_squares(c, p).x;  // |x|^2 = l^2 a.ca - 2 l a.cp + p.cp
    return (a.dot(cp) + std::sqrt(a.dot(cp) * a.dot(cp) - a.dot(ca) * (p.dot(cp) - wanted))) / a.dot(ca);
  }
};

}  // namespace

Vector cagrad(const Gramian& g, double c) {
  const Eigen::Index m = g.tasks();
  const Vector mean = Vector::Constant(m, 1 / static_cast<double>(m));
  const NonZero some = non_zero(g);
  if (some.tasks.empty() || c == 0) return mean;
  const Matrix& cosines = some.gramian.cosines;
  const Vector relative = some.gramian.norms / some.gramian.norms.maxCoeff(), part = relative / static_cast<double>(m),
               slopes = cosines * part;
  const double square_of_mean = part.dot(slopes);
  if (square_of_mean <= 1e-15 * part.squaredNorm()) return mean;  // zero up to rounding
  const double radius = c * std::sqrt(square_of_mean);
  const Lift lift{cosines, relative, slopes};

  // The best level lies between that of the mean and that of the best step for the task it is worst for; a zero
  // gradient holds it at 0.
  double low = relative.cwiseProduct(slopes).minCoeff();
  double high = relative.cwiseProduct(slopes + Vector::Constant(slopes.size(), radius)).minCoeff();
  if (static_cast<Eigen::Index>(some.tasks.size()) < m) low = std::min(low, 0.0), high = std::min(high, 0.0);
  const double wanted = radius * radius, start = high;
  std::optional<Vector> x = lift.at(high);
  Vector beta = Vector::Zero(slopes.size());
  if (x && lift.square(*x) <= wanted) return mean + spread(x->cwiseQuotient(relative), some.tasks, m);
  double level = low < 0 && high > 0 ? 0 : 0.5 * (low + high);
  for (int step = 0; step < 200 && low < level && level < high; ++step) {
    x = lift.at(level);
    const double square = x ? lift.square(*x) : INFINITY;
    (square <= wanted ? low : high) = level;
    if (square <= wanted) beta = *x;
    const double root = x && x->maxCoeff() > 0 ? lift.level_on_support(*x, wanted) : NAN;
    if (std::abs(square - wanted) <= 1e-14 * wanted || std::abs(root - level) <= 1e-15 * std::abs(level)) {
      beta = std::sqrt(wanted / square) * *x;  // what rounding left
      break;
    }
    if (high - low <= 1e-30 * std::abs(start)) break;
    level = root > low && root < high ? root : 0.5 * (low + high);
  }
  return mean + spread(beta.cwiseQuotient(relative), some.tasks, m);
}

const Method& cagrad_method() {
  static const Method m = method("cagrad", formula,
                                 {{"c", 0.4, "how far from the mean, in lengths of the mean"},
                                  {"rescale", 0.0, "0, 1 or 2: by 1, 1 + c^2, 1 + c"}},
                                 {.zero_proves_stationary = true}, [](const Gramian& g, const Call& call) -> Vector {
                                   const double c = call.number("c");
                                   require(c >= 0, "cagrad", "c", c, "at least 0");
                                   const double divisors[] = {1, 1 + c * c, 1 + c};
                                   return cagrad(g, c) / divisors[call.integer("rescale", 0, 2)];
                                 });
  return m;
}

}  // namespace triptych::surgery
