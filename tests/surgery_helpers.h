// Jacobians for the tests of optim/surgery: random ones and every way in which they go wrong.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "core/rng.h"
#include "optim/registry.h"

namespace triptych::surgery_test {

using surgery::Gramian;
using surgery::Matrix;
using surgery::Vector;

inline Matrix random_matrix(Eigen::Index m, Eigen::Index n, std::uint64_t seed) {
  Rng rng(seed);
  Matrix j(m, n);
  for (Eigen::Index i = 0; i < m; ++i)
    for (Eigen::Index k = 0; k < n; ++k) j(i, k) = rng.normal();
  return j;
}
// 10^x, x uniform in [-decades, decades]
inline Vector random_scales(Eigen::Index m, double decades, std::uint64_t seed) {
  Rng rng(seed, 1);
  Vector s(m);
  for (double& each : s) each = std::pow(10.0, rng.uniform(-decades, decades));
  return s;
}

inline Tensor as_tensor(const Matrix& j, DType dtype = DType::f64) {
  Tensor t({j.rows(), j.cols()}, dtype);
  for (Eigen::Index i = 0; i < j.rows(); ++i)
    for (Eigen::Index k = 0; k < j.cols(); ++k) t.set(i * j.cols() + k, j(i, k));
  return t;
}
inline Gramian gramian_of(const Matrix& j) { return surgery::gramian(cpu_kernels(), as_tensor(j)); }

inline Vector weights_of(const surgery::Method& method, const Matrix& j, const Settings& settings = {}) {
  Tape tape(cpu_kernels());
  return method.weights(gramian_of(j), Call{method, tape, {}, settings});
}

struct Named {
  std::string name;
  Matrix j;
  bool stationary = false;  // by construction
};

// m tasks, n parameters
inline std::vector<Named> jacobians(Eigen::Index m, Eigen::Index n, std::uint64_t seed) {
  std::vector<Named> all;
  const Matrix j = random_matrix(m, n, seed);
  all.push_back({"random", j});
  all.push_back({"scales", random_scales(m, 12, seed).asDiagonal() * j});
  all.push_back({"small", 1e-12 * j});
  all.push_back({"large", 1e12 * j});
  all.push_back({"all zero", Matrix::Zero(m, n), true});
  Matrix zero_row = j;
  zero_row.row(m - 1).setZero();
  all.push_back({"zero row", zero_row, true});
  if (m == 1) return all;
  Matrix conflict = j;  // planted: the last task is against the first
  conflict.row(m - 1) = -conflict.row(0) + 0.3 * conflict.row(m - 1);
  all.push_back({"conflict", conflict});
  all.push_back({"conflict, scales", random_scales(m, 6, seed).asDiagonal() * conflict});
  Matrix parallel = j;
  parallel.row(m - 1) = 3 * parallel.row(0);
  all.push_back({"parallel", parallel});
  Matrix opposite = j;
  opposite.row(m - 1) = -opposite.row(0);
  all.push_back({"opposite", opposite, true});
  all.push_back({"opposite, scales", random_scales(m, 6, seed).asDiagonal() * opposite, true});
  Matrix near = j;
  near.row(m - 1) = -near.row(0) + 1e-4 * near.row(m - 1);
  all.push_back({"nearly opposite", near});
  Matrix sum_to_zero = j;
  sum_to_zero.row(m - 1) = -sum_to_zero.topRows(m - 1).colwise().sum();
  all.push_back({"sum to zero", sum_to_zero, true});
  for (Eigen::Index rank = 1; rank < std::min(m, n); ++rank)
    all.push_back(
        {"rank " + std::to_string(rank), random_matrix(m, rank, seed + 1) * random_matrix(rank, n, seed + 2)});
  return all;
}

// f(named) over sizes and seeds
template <class F>
void over_jacobians(F&& f) {
  for (const auto& [m, n] :
       std::vector<std::pair<int, int>>{{1, 1}, {1, 4}, {2, 3}, {3, 4}, {4, 3}, {4, 40}, {8, 12}, {9, 11}})
    for (std::uint64_t seed = 0; seed < 12; ++seed)
      for (const Named& each : jacobians(m, n, 100 * seed + static_cast<std::uint64_t>(m))) f(each);
}

}  // namespace triptych::surgery_test
