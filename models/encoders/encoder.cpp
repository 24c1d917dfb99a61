#include "models/encoders/encoder.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace triptych {

void standardise_rows(Tensor& x) {
  const std::int64_t cols = x.shape().back(), rows = x.shape().rows();
  const auto each = [&]<class T>(T) {
    for (std::int64_t i = 0; i < rows; ++i) {
      T* row = x.data<T>() + i * cols;
      double mean = 0, square = 0;
      for (std::int64_t j = 0; j < cols; ++j) mean += row[j];
      mean /= static_cast<double>(cols);
      for (std::int64_t j = 0; j < cols; ++j) square += (row[j] - mean) * (row[j] - mean);
      const double inverse = square > 0 ? std::sqrt(static_cast<double>(cols) / square) : 0;
      for (std::int64_t j = 0; j < cols; ++j) row[j] = static_cast<T>((row[j] - mean) * inverse);
    }
  };
  x.dtype() == DType::f32 ? each(float{}) : each(double{});
}

Tensor standardised_columns(const Tensor& x) {
  const std::int64_t cols = x.shape().back(), rows = x.shape().rows();
  Tensor y(x.shape(), x.dtype());
  std::vector<double> mean(static_cast<std::size_t>(cols)), deviation(mean.size());
  const auto each = [&]<class T>(T) {
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < cols; ++j) mean[static_cast<std::size_t>(j)] += x.data<T>()[i * cols + j];
    for (double& m : mean) m /= static_cast<double>(rows);
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < cols; ++j) {
        const double d = x.data<T>()[i * cols + j] - mean[static_cast<std::size_t>(j)];
        deviation[static_cast<std::size_t>(j)] += d * d;
      }
    double average = 0;
    for (double& d : deviation) average += (d = std::sqrt(d / static_cast<double>(rows))) / static_cast<double>(cols);
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < cols; ++j) {
        const double d = std::max(deviation[static_cast<std::size_t>(j)], 0.1 * average);
        y.data<T>()[i * cols + j] =
            d > 0 ? static_cast<T>((x.data<T>()[i * cols + j] - mean[static_cast<std::size_t>(j)]) / d) : T{0};
      }
  };
  x.dtype() == DType::f32 ? each(float{}) : each(double{});
  return y;
}

}  // namespace triptych
