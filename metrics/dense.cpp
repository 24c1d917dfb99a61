#include "metrics/dense.h"

#include <cmath>
#include <limits>
#include <span>

#include "core/error.h"

namespace triptych::metrics {

void refuse(const std::string& metric, const std::string& argument, const Tensor& tensor, const std::string& rule,
            const std::string& got) {
  throw Error(Exit::input, metric + ".argument",
              "[" + metric + "] " + argument + " " + (tensor ? tensor.shape().text() : "(absent)") + " must be " +
                  rule + (got.empty() ? "" : ", got " + got));
}

std::vector<double> checked_values(const std::string& metric, const std::string& argument, const Tensor& tensor) {
  if (!tensor || tensor.dtype() == DType::i32) refuse(metric, argument, tensor, "a float32 or float64 array");
  if (tensor.size() == 0) refuse(metric, argument, tensor, "non-empty");
  std::vector<double> values = tensor.values();
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!std::isfinite(values[i]))
      refuse(metric, argument, tensor, "finite", std::to_string(values[i]) + " at element " + std::to_string(i));
  return values;
}

Matrix checked_matrix(const std::string& metric, const std::string& argument, const Tensor& tensor) {
  const std::vector<double> values = checked_values(metric, argument, tensor);
  if (tensor.shape().rank() != 2) refuse(metric, argument, tensor, "(N, d)");
  return Eigen::Map<const Matrix>(values.data(), tensor.shape()[0], tensor.shape()[1]);
}

Tensor as_tensor(const Matrix& m) {
  return Tensor::from({m.rows(), m.cols()}, std::span(m.data(), static_cast<std::size_t>(m.size())), DType::f64);
}

Matrix centred(const Matrix& x) {
  Matrix c = x.rowwise() - x.colwise().mean();
  if (c.norm() <= 1e-13 * x.norm()) c.setZero();
  return c;
}

void standardise(Matrix& train, Matrix& test) {
  const double n = static_cast<double>(train.rows()), eps = std::numeric_limits<double>::epsilon();
  for (Eigen::Index j = 0; j < train.cols(); ++j) {
    const double mean = train.col(j).mean();
    train.col(j).array() -= mean;
    test.col(j).array() -= mean;
    const double spread = std::sqrt(train.col(j).squaredNorm() / n);
    if (spread <= n * eps * std::abs(mean)) {  // only rounding separates the rows
      train.col(j).setZero();
      test.col(j).setZero();
    } else {
      train.col(j) /= spread;
      test.col(j) /= spread;
    }
  }
}

}  // namespace triptych::metrics
