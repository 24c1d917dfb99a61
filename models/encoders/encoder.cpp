#include "models/encoders/encoder.h"

#include <algorithm>
#include <cmath>

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

Tensor standardised_columns(const Kernels& k, const Tensor& x) {
  const std::int64_t cols = x.shape().back(), rows = x.shape().rows(), n = x.size();
  const double share = 1 / static_cast<double>(rows);
  Tensor scale({cols}, x.dtype()), centred(x.shape(), x.dtype()), squares(x.shape(), x.dtype());
  k.sum_rows(x.view(), scale.view(), rows, cols);
  k.axpby(share, scale.view(), 0, scale.view(), cols);
  k.binary(Binary::sub, x.view(), scale.view(), centred.view(), n, cols);
  k.unary(Unary::square, centred.view(), squares.view(), n);
  k.sum_rows(squares.view(), scale.view(), rows, cols);
  double average = 0;
  for (std::int64_t j = 0; j < cols; ++j) average += std::sqrt(scale.at(j) * share) / static_cast<double>(cols);
  for (std::int64_t j = 0; j < cols; ++j) {
    const double deviation = std::max(std::sqrt(scale.at(j) * share), 0.1 * average);
    scale.set(j, deviation > 0 ? 1 / deviation : 0);
  }
  k.binary(Binary::mul, centred.view(), scale.view(), centred.view(), n, cols);
  return centred;
}

}  // namespace triptych
