// The Gramian of m task gradients, J J^T, where row i of J is the gradient of task i: all that most methods of gradient
// surgery need to know of J, however many parameters there are. Then the step is J^T w for the weights w they answer.
//
// Both passes read each gradient once and are bound by memory. Sums are taken in double over fixed tiles: the same bits
// for any number of threads.
//
// Norms and cosines are kept apart, so that tasks of very different size (1e-12 beside 1e12) lose nothing to each
// other: methods solve for beta_i = w_i |g_i|, the weights of unit gradients, and divide by |g_i| at the end.
#pragma once

#ifndef EIGEN_DONT_PARALLELIZE
#define EIGEN_DONT_PARALLELIZE  // its threads would change the bits
#endif
#include <Eigen/Core>
#include <span>
#include <vector>

#include "core/tensor.h"

namespace triptych::surgery {

using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;

struct Gramian {
  Vector norms;    // (m): |g_i|
  Matrix cosines;  // (m, m): g_i.g_j / (|g_i| |g_j|); diagonal 1; 0 in the row and column of a zero gradient

  Eigen::Index tasks() const { return norms.size(); }
  Matrix products() const { return norms.asDiagonal() * cosines * norms.asDiagonal(); }
};

// Of J J^T, given as it is. Throws Error(input, "surgery.gradient") with the first task whose squared norm is not
// finite (its gradient holds NaN or Inf, or is too large). A norm below 1.5e-154, whose square is no normal number,
// counts as 0.
Gramian gramian_of(const Matrix& products);

// tasks[i]: the gradient of task i, one tensor per shared parameter, in the same order for all; null where the task
// does not depend on the parameter. At least one task. Throws as gramian_of does.
using Gradient = std::vector<Tensor>;
Gramian gramian(const Kernels& kernels, std::span<const Gradient> tasks);
// sum_i w_i g_i, one tensor per parameter; null where every task's is null.
Gradient combine(const Kernels& kernels, std::span<const Gradient> tasks, const Vector& weights);

// The same for J as one array (m, P), float32 or float64; the sum is (P).
Gramian gramian(const Kernels& kernels, const Tensor& jacobian);
Tensor combine(const Kernels& kernels, const Tensor& jacobian, const Vector& weights);

}  // namespace triptych::surgery
