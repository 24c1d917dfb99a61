// One row of a softmax, for the rows, the cross entropy and the attention.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "backends/cpu/math.h"

namespace triptych::cpu {

template <class T>
struct Exponentials {
  T top;         // largest entry
  double total;  // sum of p
};

// p (n) = exp(x - max x), in place if p = x; entries whose mask `real` is 0 count as -inf. NaN in, NaN out. Blocks of a
// row are summed in T, the blocks in double.
template <class T, class Entry>
Exponentials<T> exponentials(Entry x, T* p, std::int64_t n) {
  constexpr std::int64_t block = 256;
  T top = -std::numeric_limits<T>::infinity();
#pragma omp simd reduction(max : top)
  for (std::int64_t j = 0; j < n; ++j) top = std::max(top, x(j));
  double total = 0;
  for (std::int64_t begin = 0; begin < n; begin += block) {
    const std::int64_t end = std::min(n, begin + block);
    T sum = 0;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t j = begin; j < end; ++j) {
      p[j] = exp(x(j) - top);
      sum += p[j];
    }
    total += static_cast<double>(sum);
  }
  return {top, total};
}

template <class T>
Exponentials<T> exponentials(const T* x, const T* real, T* p, std::int64_t n) {
  if (!real) return exponentials([=](std::int64_t j) { return x[j]; }, p, n);
  constexpr T none = -std::numeric_limits<T>::infinity();
  const bool any = std::any_of(real, real + n, [](T m) { return m != 0; });
  if (any) return exponentials([=](std::int64_t j) { return real[j] != 0 ? x[j] : none; }, p, n);
  std::fill_n(p, n, T{0});
  return {none, 0};
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
