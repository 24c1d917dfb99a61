// Matrices for the tests of metrics/.
#pragma once

#include <cmath>

#include "core/rng.h"
#include "core/tensor.h"

namespace triptych {

// (n, d) of f(i, j) with i, j counted from 1
template <class F>
Tensor matrix(std::int64_t n, std::int64_t d, F&& f) {
  Tensor t({n, d}, DType::f64);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < d; ++j) t.set(i * d + j, f(static_cast<double>(i + 1), static_cast<double>(j + 1)));
  return t;
}

inline Tensor golden_z1() {
  return matrix(6, 3, [](double i, double j) { return std::sin(0.7 * i * j); });
}
inline Tensor golden_z2() {
  return matrix(6, 3, [](double i, double j) { return std::cos(0.5 * i + 0.9 * j); });
}

inline Tensor noise(std::int64_t n, std::int64_t d, std::uint64_t seed) {
  Rng rng(seed);
  return matrix(n, d, [&](double, double) { return rng.normal(); });
}

// Row i of the result is row order(i) of x.
template <class F>
Tensor picked(const Tensor& x, std::int64_t rows, F&& order) {
  const std::int64_t d = x.shape()[1];
  Tensor t({rows, d}, x.dtype());
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < d; ++j) t.set(i * d + j, x.at(order(i) * d + j));
  return t;
}

// x times scale, its columns turned by `angle` in the plane of columns 0 and 1.
inline Tensor turned(const Tensor& x, double angle, double scale) {
  const std::int64_t d = x.shape()[1];
  Tensor t = x.clone();
  for (std::int64_t i = 0; i < x.shape()[0]; ++i) {
    const double a = x.at(i * d), b = x.at(i * d + 1);
    t.set(i * d, std::cos(angle) * a - std::sin(angle) * b);
    t.set(i * d + 1, std::sin(angle) * a + std::cos(angle) * b);
    for (std::int64_t j = 0; j < d; ++j) t.set(i * d + j, scale * t.at(i * d + j));
  }
  return t;
}

}  // namespace triptych
