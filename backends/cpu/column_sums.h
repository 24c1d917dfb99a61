// Sums over rows in double.
#pragma once

#include <cstdint>

namespace triptych::cpu {

// total (cols) += sum over rows of x (rows, cols), rows `stride` apart; four rows meet in T before they are widened.
template <class T>
void add_column_sums(const T* x, std::int64_t stride, std::int64_t rows, std::int64_t cols, double* total) {
  std::int64_t i = 0;
  for (; i + 4 <= rows; i += 4) {
    const T *a = x + i * stride, *b = a + stride, *c = b + stride, *d = c + stride;
#pragma omp simd
    for (std::int64_t j = 0; j < cols; ++j) total[j] += static_cast<double>((a[j] + b[j]) + (c[j] + d[j]));
  }
  for (; i < rows; ++i) {
    const T* a = x + i * stride;
#pragma omp simd
    for (std::int64_t j = 0; j < cols; ++j) total[j] += static_cast<double>(a[j]);
  }
}

}  // namespace triptych::cpu
