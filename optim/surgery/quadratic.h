// What several methods solve: a quadratic programme (MGDA, CAGrad, UPGrad, DualProj), least squares. Internal.
#pragma once

#include <optional>

#include "optim/surgery/gramian.h"

namespace triptych::surgery {

// argmin over s >= 0 of s^T A s / 2 - b^T s, A (m, m) symmetric positive semidefinite with a diagonal > 0. Nothing when
// there is no least value. Where A is singular and the solution not unique, one whose support is independent.
//
// Lawson, Hanson 1974, Solving Least Squares Problems, ch. 23 (NNLS), on A = E^T E: an active set, exact for any m. A
// column that depends on the support, up to rounding, is exchanged for one of the support.
std::optional<Vector> nonnegative_minimum(const Matrix& a, const Vector& b);

// S^+ b for a symmetric positive semidefinite S: eigenvalues within the rounding error of the largest count as 0.
struct LeastSquares {
  Vector x;
  bool full_rank;
};
LeastSquares least_squares(const Matrix& s, const Vector& b);

// The tasks with a gradient that is not zero, and the Gramian of these alone.
struct NonZero {
  std::vector<Eigen::Index> tasks;
  Gramian gramian;
};
NonZero non_zero(const Gramian& g);
// values (of the tasks) at their places among `m`, 0 elsewhere.
Vector spread(const Vector& values, const std::vector<Eigen::Index>& tasks, Eigen::Index m);

}  // namespace triptych::surgery
