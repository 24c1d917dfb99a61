#include "metrics/kernels.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace triptych::metrics {

std::optional<Matrix> rbf_kernel(const Matrix& a, std::optional<double> threshold) {
  const Eigen::Index n = a.rows();
  Matrix d = -2 * (a * a.transpose());
  const Vector p = a.rowwise().squaredNorm();
  d.colwise() += p;
  d.rowwise() += p.transpose();
  d = d.cwiseMax(0);
  d.diagonal().setZero();

  std::vector<double> sorted;
  if (threshold) {
    sorted.assign(d.data(), d.data() + d.size());
  } else {
    for (Eigen::Index i = 0; i < n; ++i)
      for (Eigen::Index j = i + 1; j < n; ++j) sorted.push_back(d(i, j));
  }
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  const double below = sorted.size() % 2 ? *middle : *std::max_element(sorted.begin(), middle);
  const double median = (below + *middle) / 2;
  if (median <= 1e-13 * p.maxCoeff()) return std::nullopt;  // equal rows are apart by rounding only
  const double s = threshold ? 2 * *threshold * *threshold * median : median;
  return Matrix((d.array() / -s).exp());
}

void centre_kernel(Matrix& k, bool u_centred) {
  const double n = static_cast<double>(k.rows());
  if (u_centred) {
    k.diagonal().setZero();
    Vector mean = k.rowwise().sum() / (n - 2);
    mean.array() -= mean.sum() / (2 * (n - 1));
    k.colwise() -= mean;
    k.rowwise() -= mean.transpose();
    k.diagonal().setZero();
  } else {
    const Vector mean = k.rowwise().mean();
    const double all = mean.mean();
    k.colwise() -= mean;
    k.rowwise() -= mean.transpose();
    k.array() += all;
  }
  if (k.norm() <= 1e-13 * n) k.setZero();  // of a kernel whose entries are at most 1
}

}  // namespace triptych::metrics
