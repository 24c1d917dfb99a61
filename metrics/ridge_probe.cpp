#include "metrics/ridge_probe.h"

#include <algorithm>
#include <limits>

#include "core/error.h"
#include "metrics/dense.h"  // before the rest of Eigen: it sets Eigen up

#include <Eigen/Cholesky>
#include <Eigen/QR>

namespace triptych::metrics {
namespace {

const char* const name = "linear_probe_r2";

Matrix coefficients(const Matrix& x, const Matrix& y, double ridge) {
  if (ridge > 0) {
    Matrix gram = x.transpose() * x;
    gram.diagonal().array() += ridge;
    return gram.llt().solve(x.transpose() * y);
  }
  Eigen::CompleteOrthogonalDecomposition<Eigen::MatrixXd> factor;
  factor.setThreshold(static_cast<double>(std::max(x.rows(), x.cols())) * std::numeric_limits<double>::epsilon());
  return factor.compute(x).solve(y);
}

std::optional<double> r2(const Matrix& residual, const Matrix& y) {
  double sum = 0;
  int targets = 0;
  for (Eigen::Index t = 0; t < y.cols(); ++t) {
    const double total = centred(y.col(t)).squaredNorm();
    if (total == 0) continue;
    sum += 1 - residual.col(t).squaredNorm() / total;
    ++targets;
  }
  return targets ? std::optional(sum / targets) : std::nullopt;
}

void check_rows(const char* argument, const Tensor& y, const Tensor& x) {
  if (y.shape()[0] != x.shape()[0]) refuse(name, argument, y, "(N, q) with the N of x", x.shape().text());
  if (x.shape()[0] < 2) refuse(name, argument, y, "(N, q) with N at least 2");
}

}  // namespace

std::optional<double> linear_probe_r2(const Tensor& x, const Tensor& y, double ridge) {
  return linear_probe_r2(x, y, x, y, ridge);
}

std::optional<double> linear_probe_r2(const Tensor& train_x, const Tensor& train_y, const Tensor& test_x,
                                      const Tensor& test_y, double ridge) {
  Matrix x = checked_matrix(name, "x", train_x), held_x = checked_matrix(name, "test x", test_x);
  const Matrix y = checked_matrix(name, "y", train_y), held_y = checked_matrix(name, "test y", test_y);
  check_rows("y", train_y, train_x);
  check_rows("test y", test_y, test_x);
  if (held_x.cols() != x.cols()) refuse(name, "test x", test_x, "(n, p) with the p of x", train_x.shape().text());
  if (held_y.cols() != y.cols()) refuse(name, "test y", test_y, "(n, q) with the q of y", train_y.shape().text());
  if (!(ridge >= 0))
    throw Error(Exit::input, "linear_probe_r2.argument",
                "[linear_probe_r2] ridge must be at least 0, got " + std::to_string(ridge));
  standardise(x, held_x);
  const Matrix predicted = (held_x * coefficients(x, centred(y), ridge)).rowwise() + y.colwise().mean();
  return r2(held_y - predicted, held_y);
}

}  // namespace triptych::metrics
