#include "optim/surgery/aligned_mtl.h"

#include <Eigen/Eigenvalues>
#include <cmath>
#include <limits>

namespace triptych::surgery {
namespace {

constexpr std::string_view formula = R"(
aligned_mtl: jacobian (m, P)  ->  direction (P), weights (m)

  forward    J J^T = V diag(l) V^T;  w = sqrt(l_min) V diag(l^-1/2) V^T 1/m,  g = J^T w: the mean of the rows of the nearest
             matrix with orthogonal rows of equal length, sqrt(l_min). l_min is the least eigenvalue above
             l_max m 1.19e-7; those below are left out
  guarantee  none against conflict with a task (orthogonal are the aligned gradients, not the given ones); |g|^2 =
             l_min / m where none is left out: near-parallel or very unequal gradients make the step short
  cost       m backward passes, one eigendecomposition of J J^T
  edge       gradients 3e-4 times shorter than the longest fall below the bound; all zero: direction and weights 0
  source     Senushkin et al. 2023, arXiv 2305.19000, Algorithm 1, equal preferences
)";

}  // namespace

Vector aligned_mtl(const Gramian& g) {
  const Eigen::Index m = g.tasks();
  const double largest = g.norms.maxCoeff();
  if (largest == 0) return Vector::Zero(m);
  const Eigen::SelfAdjointEigenSolver<Matrix> eigen(Gramian{g.norms / largest, g.cosines}.products());
  const Vector& l = eigen.eigenvalues();  // ascending
  Eigen::Index left_out = 0;
  while (l(left_out) <= l(m - 1) * static_cast<double>(m) * std::numeric_limits<float>::epsilon()) ++left_out;
  const Matrix v = eigen.eigenvectors().rightCols(m - left_out);
  const Vector shrink = (l(left_out) / l.tail(m - left_out).array()).sqrt();
  return v * shrink.cwiseProduct(v.colwise().mean().transpose());
}

const Method& aligned_mtl_method() {
  static const Method m =
      method("aligned_mtl", formula, {}, {}, [](const Gramian& g, const Call&) { return aligned_mtl(g); });
  return m;
}

}  // namespace triptych::surgery
