// Products and combinations of a few long vectors. Both are bound by memory: each element is read once, a tile of all
// rows at a time, and stays in the first-level cache for the m (m + 1) / 2 products made of it.
#include <vector>

#include "backends/cpu/cpu.h"
#include "backends/cpu/parallel.h"
#include "backends/cpu/scratch.h"

namespace triptych::cpu {
namespace {

constexpr std::int64_t tile = 1024;  // elements; four rows of doubles fill 32 KiB

std::vector<std::int64_t> present(const View* rows, std::int64_t m) {
  std::vector<std::int64_t> list;
  for (std::int64_t i = 0; i < m; ++i)
    if (rows[i]) list.push_back(i);
  return list;
}

// a . b[0..3]: four sums at once, so that none waits for its own last addition.
void four_products(const double* a, const double* const* b, std::int64_t n, double* sums) {
  const double *b0 = b[0], *b1 = b[1], *b2 = b[2], *b3 = b[3];
  double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
#pragma omp simd reduction(+ : s0, s1, s2, s3)
  for (std::int64_t k = 0; k < n; ++k) {
    s0 += a[k] * b0[k];
    s1 += a[k] * b1[k];
    s2 += a[k] * b2[k];
    s3 += a[k] * b3[k];
  }
  sums[0] = s0, sums[1] = s1, sums[2] = s2, sums[3] = s3;
}

void products(const View* rows, std::int64_t m, std::int64_t n, double* g) {
  std::fill_n(g, m * m, 0.0);
  const std::vector<std::int64_t> at = present(rows, m);
  const auto count = static_cast<std::int64_t>(at.size());
  if (count == 0) return;
  const std::int64_t tiles = (n + tile - 1) / tile, pairs = count * count;
  const auto [partial] = scratch<double>(Slot::caller, tiles * pairs);
  dispatch(rows[at[0]].dtype, [&, partial = partial]<class T>(T) {
    parallel_for(tiles, n * count, [&](std::int64_t t) {
      const std::int64_t begin = t * tile, size = std::min(n, begin + tile) - begin;
      const auto [wide] = scratch<double>(Slot::tile, count * tile);
      for (std::int64_t i = 0; i < count; ++i) {
        const T* x = rows[at[static_cast<std::size_t>(i)]].as<T>() + begin;
#pragma omp simd
        for (std::int64_t k = 0; k < size; ++k) wide[i * tile + k] = x[k];
      }
      for (std::int64_t i = 0; i < count; ++i)
        for (std::int64_t j = i; j < count; j += 4) {
          const double* others[4];
          double sums[4];
          for (std::int64_t l = 0; l < 4; ++l) others[l] = wide + std::min(j + l, count - 1) * tile;
          four_products(wide + i * tile, others, size, sums);
          for (std::int64_t l = 0; l < 4 && j + l < count; ++l) partial[t * pairs + i * count + j + l] = sums[l];
        }
    });
  });
  for (std::int64_t i = 0; i < count; ++i)
    for (std::int64_t j = i; j < count; ++j) {
      double sum = 0;
      for (std::int64_t t = 0; t < tiles; ++t) sum += partial[t * pairs + i * count + j];
      const std::int64_t row = at[static_cast<std::size_t>(i)], column = at[static_cast<std::size_t>(j)];
      g[row * m + column] = g[column * m + row] = sum;
    }
}

void combine(const View* rows, const double* w, std::int64_t m, View y, std::int64_t n) {
  const std::vector<std::int64_t> at = present(rows, m);
  dispatch(y.dtype, [&]<class T>(T) {
    parallel_tiles(n, tile, n * m, [&](std::int64_t begin, std::int64_t end) {
      const std::int64_t size = end - begin;
      const auto [sum] = scratch<double>(Slot::tile, size);
      std::fill_n(sum, size, 0.0);
      for (const std::int64_t i : at) {
        const T* x = rows[i].as<T>() + begin;
#pragma omp simd
        for (std::int64_t k = 0; k < size; ++k) sum[k] += w[i] * x[k];
      }
#pragma omp simd
      for (std::int64_t k = 0; k < size; ++k) y.as<T>()[begin + k] = static_cast<T>(sum[k]);
    });
  });
}

}  // namespace

void add_vector_sets(Kernels& k) {
  k.products = products;
  k.combine = combine;
}

}  // namespace triptych::cpu
