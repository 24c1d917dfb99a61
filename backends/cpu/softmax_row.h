// One row of a softmax, for the rows, the cross entropy and the attention.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "backends/cpu/math.h"

namespace triptych::cpu {

// p (n) = exp(x - max x), in place if p = x; entries whose mask `real` is 0 count as -inf. NaN in, NaN out.
template <class T>
struct Exponentials {
  T top;
  double total;  // sum of p
};

template <class T>
Exponentials<T> exponentials(const T* x, const T* real, T* p, std::int64_t n) {
  T top = -std::numeric_limits<T>::infinity();
  double total = 0;
  if (real) {
    for (std::int64_t j = 0; j < n; ++j) top = real[j] != 0 && x[j] > top ? x[j] : top;
#pragma omp simd reduction(+ : total)
    for (std::int64_t j = 0; j < n; ++j) {
      const T e = exp(x[j] - top);
      p[j] = real[j] != 0 ? e : T{0};
      total += static_cast<double>(p[j]);
    }
  } else {
#pragma omp simd reduction(max : top)
    for (std::int64_t j = 0; j < n; ++j) top = std::max(top, x[j]);
#pragma omp simd reduction(+ : total)
    for (std::int64_t j = 0; j < n; ++j) {
      p[j] = exp(x[j] - top);
      total += static_cast<double>(p[j]);
    }
  }
  return {top, total};
}

// p (n) = softmax(x); all zero where no entry is real.
template <class T>
void softmax_row(const T* x, const T* real, T* p, std::int64_t n) {
  const double total = exponentials(x, real, p, n).total;
  const T inverse = static_cast<T>(total == 0 ? 0 : 1 / total);
#pragma omp simd
  for (std::int64_t j = 0; j < n; ++j) p[j] *= inverse;
}

// dx (n) = scale y (dy - sum y dy), in place if dx = dy.
template <class T>
void softmax_row_backward(const T* y, const T* dy, T* dx, std::int64_t n, T scale) {
  double dot = 0;
#pragma omp simd reduction(+ : dot)
  for (std::int64_t j = 0; j < n; ++j) dot += static_cast<double>(y[j] * dy[j]);
  const T mean = static_cast<T>(dot);
#pragma omp simd
  for (std::int64_t j = 0; j < n; ++j) dx[j] = scale * (y[j] * (dy[j] - mean));
}

}  // namespace triptych::cpu
