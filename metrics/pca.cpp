#include "metrics/pca.h"

#include <Eigen/Eigenvalues>
#include <algorithm>

#include "metrics/dense.h"

namespace triptych::metrics {

Components principal_components(const Tensor& z, std::int64_t k) {
  const Matrix x = centred(checked_matrix("pca", "z", z));
  if (k < 1) refuse("pca", "z", z, "asked for at least one component", std::to_string(k));
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(x.transpose() * x);
  const double total = x.squaredNorm();
  Matrix scores = Matrix::Zero(x.rows(), k);
  Components c;
  for (Eigen::Index i = 0; i < k; ++i) {
    const Eigen::Index at = x.cols() - 1 - i;  // eigenvalues come in rising order
    c.explained.push_back(at >= 0 && total > 0 ? std::max(0.0, solver.eigenvalues()(at)) / total : 0);
    if (c.explained.back() == 0) continue;
    Vector direction = solver.eigenvectors().col(at);
    Eigen::Index largest = 0;
    direction.cwiseAbs().maxCoeff(&largest);
    if (direction(largest) < 0) direction = -direction;
    scores.col(i) = x * direction;
  }
  c.scores = as_tensor(scores);
  return c;
}

}  // namespace triptych::metrics
