// Sums in double: one partial sum per fixed tile, combined in index order.
#include "backends/cpu/column_sums.h"
#include "backends/cpu/cpu.h"
#include "backends/cpu/parallel.h"
#include "backends/cpu/scratch.h"

namespace triptych::cpu {
namespace {

// sum of f(i) over [0, n). The lanes of a vector are partial sums too, of a number fixed when this is compiled.
template <class F>
double tiled_sum(std::int64_t n, F f) {
  const std::int64_t tiles = (n + small_work - 1) / small_work;
  const auto [partial] = scratch<double>(Slot::caller, tiles);
  parallel_for(tiles, n, [&, partial = partial](std::int64_t t) {
    const std::int64_t end = std::min(n, (t + 1) * small_work);
    double s = 0;
#pragma omp simd reduction(+ : s)
    for (std::int64_t i = t * small_work; i < end; ++i) s += f(i);
    partial[t] = s;
  });
  double total = 0;
  for (std::int64_t t = 0; t < tiles; ++t) total += partial[t];
  return total;
}

double sum(View x, std::int64_t n) {
  double total = 0;
  dispatch(x.dtype, [&]<class T>(T) {
    total = tiled_sum(n, [p = x.as<T>()](std::int64_t i) { return static_cast<double>(p[i]); });
  });
  return total;
}

double dot(View a, View b, std::int64_t n) {
  double total = 0;
  dispatch(a.dtype, [&]<class T>(T) {
    total = tiled_sum(n, [p = a.as<T>(), q = b.as<T>()](std::int64_t i) { return static_cast<double>(p[i]) * q[i]; });
  });
  return total;
}

void sum_rows(View x, View y, std::int64_t rows, std::int64_t cols) {
  dispatch(x.dtype, [&]<class T>(T) {
    T* out = y.as<T>();
    if (cols == 1) {
      out[0] = static_cast<T>(sum(x, rows));
      return;
    }
    const std::int64_t tiles = std::clamp<std::int64_t>(rows * cols / small_work, 1, 16);
    const std::int64_t tile = std::max<std::int64_t>(1, (rows + tiles - 1) / tiles);
    const auto [partial] = scratch<double>(Slot::caller, tiles * cols);
    std::fill_n(partial, tiles * cols, 0.0);
    parallel_tiles(rows, tile, rows * cols, [&, partial = partial](std::int64_t begin, std::int64_t end) {
      add_column_sums(x.as<T>() + begin * cols, cols, end - begin, cols, partial + begin / tile * cols);
    });
    for (std::int64_t t = 1; t < tiles; ++t)
      for (std::int64_t j = 0; j < cols; ++j) partial[j] += partial[t * cols + j];
    for (std::int64_t j = 0; j < cols; ++j) out[j] = static_cast<T>(partial[j]);
  });
}

}  // namespace

void add_sums(Kernels& k) {
  k.sum = sum;
  k.dot = dot;
  k.sum_rows = sum_rows;
}

}  // namespace triptych::cpu
