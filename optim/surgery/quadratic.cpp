#include "optim/surgery/quadratic.h"

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <algorithm>
#include <limits>

namespace triptych::surgery {
namespace {

constexpr double eps = std::numeric_limits<double>::epsilon();

// The support of s: its entries that may be above 0, and A restricted to them.
struct Support {
  const Matrix& a;
  std::vector<Eigen::Index> at = {};

  Vector solve(const Vector& b) const {
    const Matrix inner = a(at, at);
    return inner.llt().solve(Vector(b(at)));
  }
};

// s moves along `direction` (zero outside the support and j) as far as `most` while it stays >= 0; what reaches 0
// leaves the support. False when nothing stops it short of an infinite `most`.
bool move(Vector& s, const Vector& direction, double most, std::vector<Eigen::Index>& support) {
  double step = most;
  Eigen::Index leaves = -1;
  for (const Eigen::Index i : support)
    if (direction(i) < 0 && -s(i) / direction(i) < step) step = -s(i) / direction(i), leaves = i;
  if (step == std::numeric_limits<double>::infinity()) return false;
  s += step * direction;
  if (leaves >= 0) s(leaves) = 0;
  std::erase_if(support, [&](Eigen::Index i) {
    if (s(i) > 0) return false;
    s(i) = 0;
    return true;
  });
  return true;
}

}  // namespace

std::optional<Vector> nonnegative_minimum(const Matrix& a, const Vector& b) {
  const Eigen::Index m = b.size();
  const double n = static_cast<double>(m);
  Vector s = Vector::Zero(m);
  Support support{a};
  std::vector<bool> blocked(static_cast<std::size_t>(m));  // entered and left at once, by rounding alone
  for (int round = 0; round < 100 * m; ++round) {
    const Vector rounding = 4 * n * eps * (a.cwiseAbs() * s + b.cwiseAbs()), slope = b - a * s;
    Eigen::Index j = -1;
    double steepest = 0;
    for (Eigen::Index i = 0; i < m; ++i) {
      const bool in = std::find(support.at.begin(), support.at.end(), i) != support.at.end();
      if (!in && !blocked[static_cast<std::size_t>(i)] && slope(i) > rounding(i) &&
          slope(i) / std::sqrt(a(i, i)) > steepest)
        steepest = slope(i) / std::sqrt(a(i, i)), j = i;
    }
    if (j < 0) return s;

    const Vector before = s;
    // What column j has beyond the support's columns.
    const Vector z = support.at.empty() ? Vector() : support.solve(a.col(j));
    double beyond = a(j, j);
    for (Eigen::Index k = 0; k < z.size(); ++k) beyond -= z(k) * a(support.at[static_cast<std::size_t>(k)], j);
    if (beyond <= 16 * n * eps * a(j, j)) {
      Vector direction = Vector::Zero(m);
      direction(support.at) = (z.array().abs() > 1e-12 * (1 + z.lpNorm<1>())).select(-z, 0);  // less is rounding
      direction(j) = 1;
      if (!move(s, direction, std::numeric_limits<double>::infinity(), support.at)) {
        if (slope(j) > 100 * (1 + z.lpNorm<1>()) * rounding.maxCoeff()) return std::nullopt;
        blocked[static_cast<std::size_t>(j)] = true;  // in the span of the support, where the slope is zero
        continue;
      }
    }
    support.at.push_back(j);
    // To the minimum over the support; where that has a negative entry, as far as the first zero, and again.
    while (!support.at.empty()) {
      Vector target = Vector::Zero(m);
      target(support.at) = support.solve(b);
      if ((target(support.at).array() > 0).all()) {
        s = target;
        break;
      }
      const Vector direction = target - s;
      const std::size_t size = support.at.size();
      move(s, direction, 1, support.at);
      if (support.at.size() == size) break;
    }
    if (s == before)
      blocked[static_cast<std::size_t>(j)] = true;
    else
      std::fill(blocked.begin(), blocked.end(), false);
  }
  return s;
}

LeastSquares least_squares(const Matrix& s, const Vector& b) {
  const Eigen::Index m = s.rows();
  const Eigen::SelfAdjointEigenSolver<Matrix> eigen(s);
  const Vector& l = eigen.eigenvalues();  // ascending
  Eigen::Index zeros = 0;
  while (zeros < m && l(zeros) <= 4 * static_cast<double>(m) * eps * l(m - 1)) ++zeros;
  const Matrix v = eigen.eigenvectors().rightCols(m - zeros);
  return {v * l.tail(m - zeros).cwiseInverse().asDiagonal() * (v.transpose() * b), zeros == 0};
}

NonZero non_zero(const Gramian& g) {
  NonZero out;
  for (Eigen::Index i = 0; i < g.tasks(); ++i)
    if (g.norms(i) > 0) out.tasks.push_back(i);
  out.gramian = {g.norms(out.tasks), g.cosines(out.tasks, out.tasks)};
  return out;
}

Vector spread(const Vector& values, const std::vector<Eigen::Index>& tasks, Eigen::Index m) {
  Vector all = Vector::Zero(m);
  all(tasks) = values;
  return all;
}

}  // namespace triptych::surgery
