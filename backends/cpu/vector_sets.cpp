// Products and combinations of a few long vectors. Both are bound by memory: each element is read once, a tile of all
// rows at a time, which stays in the first-level cache for the products made of it.
#include <array>
#include <vector>

#include "backends/cpu/cpu.h"
#include "backends/cpu/parallel.h"
#include "backends/cpu/scratch.h"

namespace triptych::cpu {
namespace {

constexpr std::int64_t tile = 1024;  // elements; eight rows of floats fill 32 KiB

// Sums are taken in eight lanes whatever the machine's registers hold, so their bits do not depend on it.
constexpr int lanes = 8;
using Lanes = double __attribute__((vector_size(lanes * sizeof(double))));
template <class T>
using Unaligned __attribute__((vector_size(lanes * sizeof(T)), aligned(alignof(T)), may_alias)) = T;

// Into a reference: how a vector wider than the registers is returned differs between ABIs.
template <class T>
void load(const T* x, Lanes& v) {
  v = __builtin_convertvector(*reinterpret_cast<const Unaligned<T>*>(x), Lanes);
}

std::vector<std::int64_t> present(const View* rows, std::int64_t m) {
  std::vector<std::int64_t> list;
  for (std::int64_t i = 0; i < m; ++i)
    if (rows[i]) list.push_back(i);
  return list;
}

// sums[r][c] = a_r . b_c for a block of rows against another: every sum in a register of its own. With `same`, b is a
// and only c >= r is made.
constexpr int block = 4;
using Rows = std::array<const void*, block>;
using Sums = std::array<std::array<double, block>, block>;
template <class T, int R, int C, bool same>
void block_products(const Rows& a, const Rows& b, std::int64_t n, Sums& sums) {
  Lanes total[R][C] = {};
  const auto step = [&](const auto& at_a, const auto& at_b) {
    Lanes x[R], y[C];
    for (int r = 0; r < R; ++r) at_a(r, x[r]);
    for (int c = 0; c < C; ++c) {
      if constexpr (same)
        y[c] = x[c];
      else
        at_b(c, y[c]);
    }
    for (int r = 0; r < R; ++r)
      for (int c = same ? r : 0; c < C; ++c) total[r][c] += x[r] * y[c];
  };
  const auto row = [](const Rows& rows, int i) { return static_cast<const T*>(rows[static_cast<std::size_t>(i)]); };
  const std::int64_t whole = n / lanes * lanes;
  for (std::int64_t k = 0; k < whole; k += lanes)
    step([&](int r, Lanes& v) { load(row(a, r) + k, v); }, [&](int c, Lanes& v) { load(row(b, c) + k, v); });
  if (whole < n) {
    const auto rest = [&](const T* x, Lanes& v) {
      v = Lanes{};
      for (std::int64_t k = whole; k < n; ++k) v[k - whole] = x[k];
    };
    step([&](int r, Lanes& v) { rest(row(a, r), v); }, [&](int c, Lanes& v) { rest(row(b, c), v); });
  }
  for (int r = 0; r < R; ++r)
    for (int c = same ? r : 0; c < C; ++c) {
      double sum = 0;
      for (int l = 0; l < lanes; ++l) sum += total[r][c][l];
      sums[static_cast<std::size_t>(r)][static_cast<std::size_t>(c)] = sum;
    }
}

// f.template operator()<n>() for n = 1, ..., block.
template <int most = block, class F>
void with_count(std::int64_t n, F&& f) {
  if constexpr (most > 1)
    if (n < most) return with_count<most - 1>(n, f);
  f.template operator()<most>();
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
      const auto block_at = [&](std::int64_t i) {
        Rows block_rows{};
        for (std::int64_t l = i; l < std::min(i + block, count); ++l)
          block_rows[static_cast<std::size_t>(l - i)] = rows[at[static_cast<std::size_t>(l)]].as<T>() + begin;
        return block_rows;
      };
      for (std::int64_t i = 0; i < count; i += block)
        for (std::int64_t j = i; j < count; j += block) {
          Sums sums;
          const Rows a = block_at(i), b = block_at(j);
          with_count(count - j, [&]<int C>() {
            if (i == j)
              block_products<T, C, C, true>(a, b, size, sums);
            else
              block_products<T, block, C, false>(a, b, size, sums);
          });
          for (std::int64_t r = i; r < std::min(i + block, count); ++r)
            for (std::int64_t c = std::max(r, j); c < std::min(j + block, count); ++c)
              partial[t * pairs + r * count + c] =
                  sums[static_cast<std::size_t>(r - i)][static_cast<std::size_t>(c - j)];
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
      double* const sum = scratch<double>(Slot::tile, size)[0];
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
