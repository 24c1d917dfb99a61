// The Eigen form of a product, on the calling thread. Eigen's own threads stay off: they would cut the inner dimension
// by their number and so change the bits.
#pragma once

#ifndef EIGEN_DONT_PARALLELIZE
#define EIGEN_DONT_PARALLELIZE
#endif
#include <Eigen/Core>

#include "backends/cpu/gemm.h"

namespace triptych::cpu {

template <class T>
void multiply_eigen(const Product<T>& p) {
  using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  using Input = Eigen::Map<const Matrix, 0, Eigen::OuterStride<>>;
  const Input a(p.a, p.trans_a ? p.k : p.m, p.trans_a ? p.m : p.k, Eigen::OuterStride<>(p.lda));
  const Input b(p.b, p.trans_b ? p.n : p.k, p.trans_b ? p.k : p.n, Eigen::OuterStride<>(p.ldb));
  Eigen::Map<Matrix, 0, Eigen::OuterStride<>> c(p.c, p.m, p.n, Eigen::OuterStride<>(p.ldc));
  if (p.beta == 0)
    c.setZero();
  else if (p.beta != 1)
    c *= p.beta;
  if (p.k == 0) return;
  if (p.trans_a && p.trans_b)
    c.noalias() += p.alpha * (a.transpose() * b.transpose());
  else if (p.trans_a)
    c.noalias() += p.alpha * (a.transpose() * b);
  else if (p.trans_b)
    c.noalias() += p.alpha * (a * b.transpose());
  else
    c.noalias() += p.alpha * (a * b);
}

}  // namespace triptych::cpu
