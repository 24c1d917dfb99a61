// Feed-forward network in tiles of rows that stay in cache between the product, the gelu and the next product.
//
// The backward takes the rows in chunks. Within one, first every row tile gets g = gelu(a), da and dx, then every tile
// of hidden units adds its rows of dW1 = da^T x and its columns of dW2 = dy^T g. So the weight gradients have long
// inner products, are summed in the order of the chunks, and need no partial copies.
#include "backends/cpu/column_sums.h"
#include "backends/cpu/cpu.h"
#include "backends/cpu/gemm.h"
#include "backends/cpu/math.h"
#include "backends/cpu/parallel.h"
#include "backends/cpu/scratch.h"

namespace triptych::cpu {
namespace {

constexpr std::int64_t row_tile = 512, row_chunk = 1024, hidden_tile = 256;

// The size of equal pieces of n, a multiple of 16 and at most `most`; at least two pieces when there is work to share.
std::int64_t piece(std::int64_t n, std::int64_t most, double flops) {
  std::int64_t count = std::max<std::int64_t>(1, (n + most - 1) / most);
  if (flops > 4e6) count = (count + 1) / 2 * 2;
  return std::max<std::int64_t>(16, ((n + count - 1) / count + 15) / 16 * 16);
}

double flops_of(const FeedForwardSizes& s) {
  return 2.0 * static_cast<double>(s.rows) * static_cast<double>(s.hidden) * static_cast<double>(s.in + s.out);
}

template <class T>
void set_rows(const T* bias, T* y, std::int64_t rows, std::int64_t cols) {
  for (std::int64_t i = 0; i < rows; ++i) std::copy_n(bias, cols, y + i * cols);
}

void feed_forward(const FeedForwardSizes& s, View x, View w1, View b1, View w2, View b2, View y, View pre) {
  dispatch(x.dtype, [&]<class T>(T) {
    const T *bias1 = b1.as<T>(), *bias2 = b2.as<T>();
    const std::int64_t tile = piece(s.rows, row_tile, flops_of(s));
    parallel_tiles(s.rows, tile, s.rows * s.hidden, [&](std::int64_t begin, std::int64_t end) {
      const std::int64_t rows = end - begin;
      const auto [g] = scratch<T>(Slot::tile, tile * s.hidden);
      T *a = pre.as<T>() + begin * s.hidden, *out = y.as<T>() + begin * s.out;
      multiply_serial(Product<T>{.trans_b = true,
                                 .m = rows,
                                 .n = s.hidden,
                                 .k = s.in,
                                 .a = x.as<T>() + begin * s.in,
                                 .lda = s.in,
                                 .b = w1.as<T>(),
                                 .ldb = s.in,
                                 .c = a,
                                 .ldc = s.hidden});
      for (std::int64_t i = 0; i < rows; ++i) {
        T *from = a + i * s.hidden, *to = g + i * s.hidden;
#pragma omp simd
        for (std::int64_t h = 0; h < s.hidden; ++h) {
          from[h] += bias1[h];
          to[h] = gelu(from[h]);
        }
      }
      set_rows(bias2, out, rows, s.out);
      multiply_serial(Product<T>{.trans_b = true,
                                 .m = rows,
                                 .n = s.out,
                                 .k = s.hidden,
                                 .a = g,
                                 .lda = s.hidden,
                                 .b = w2.as<T>(),
                                 .ldb = s.hidden,
                                 .beta = 1,
                                 .c = out,
                                 .ldc = s.out});
    });
  });
}

// g = gelu(a), da *= gelu'(a).
template <class T>
void activate(const T* a, T* g, T* da, std::int64_t n) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) {
    const auto phi = normal(a[i]);
    g[i] = a[i] * phi.cdf;
    da[i] *= phi.cdf + a[i] * phi.pdf;
  }
}

template <class T>
void store(const double* sum, T* y, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) y[i] = static_cast<T>(sum[i]);
}

template <class T>
void backward(const FeedForwardSizes& s, const T* dy, const T* x, const T* w1, const T* w2, const T* pre, T* dx, T* dw1,
              T* db1, T* dw2, T* db2) {
  const double flops = 2 * flops_of(s);
  const std::int64_t chunk = piece(s.rows, row_chunk, 0), tile = piece(std::min(chunk, s.rows), row_tile, flops),
                     units = piece(s.hidden, hidden_tile, flops), work = s.rows * s.hidden;
  const auto [g, da] = scratch<T>(Slot::caller, chunk * s.hidden, chunk * s.hidden);
  // Once at least: without rows the weight gradients are zero.
  for (std::int64_t start = 0; start == 0 || start < s.rows; start += chunk) {
    const std::int64_t rows = std::min(chunk, s.rows - start);
    parallel_tiles(rows, tile, work, [&, g = g, da = da](std::int64_t begin, std::int64_t end) {
      const std::int64_t m = end - begin, row = start + begin;
      T *gt = g + begin * s.hidden, *dat = da + begin * s.hidden;
      multiply_serial(Product<T>{.m = m,
                                 .n = s.hidden,
                                 .k = s.out,
                                 .a = dy + row * s.out,
                                 .lda = s.out,
                                 .b = w2,
                                 .ldb = s.hidden,
                                 .c = dat,
                                 .ldc = s.hidden});
      activate(pre + row * s.hidden, gt, dat, m * s.hidden);
      if (dx)
        multiply_serial(Product<T>{.m = m,
                                   .n = s.in,
                                   .k = s.hidden,
                                   .a = dat,
                                   .lda = s.hidden,
                                   .b = w1,
                                   .ldb = s.in,
                                   .c = dx + row * s.in,
                                   .ldc = s.in});
    });
    parallel_tiles(s.hidden, units, work, [&, g = g, da = da](std::int64_t begin, std::int64_t end) {
      const std::int64_t n = end - begin;
      const T beta = start == 0 ? T{0} : T{1};
      multiply_serial(Product<T>{.trans_a = true,
                                 .m = n,
                                 .n = s.in,
                                 .k = rows,
                                 .a = da + begin,
                                 .lda = s.hidden,
                                 .b = x + start * s.in,
                                 .ldb = s.in,
                                 .beta = beta,
                                 .c = dw1 + begin * s.in,
                                 .ldc = s.in});
      multiply_serial(Product<T>{.trans_a = true,
                                 .m = s.out,
                                 .n = n,
                                 .k = rows,
                                 .a = dy + start * s.out,
                                 .lda = s.out,
                                 .b = g + begin,
                                 .ldb = s.hidden,
                                 .beta = beta,
                                 .c = dw2 + begin,
                                 .ldc = s.hidden});
      const auto [sum] = scratch<double>(Slot::tile, units);
      for (std::int64_t h = 0; h < n; ++h) sum[h] = start == 0 ? 0 : static_cast<double>(db1[begin + h]);
      add_column_sums(da + begin, s.hidden, rows, n, sum);
      store(sum, db1 + begin, n);
    });
  }
  const auto [sum] = scratch<double>(Slot::tile, s.out);
  std::fill_n(sum, s.out, 0.0);
  add_column_sums(dy, s.out, s.rows, s.out, sum);
  store(sum, db2, s.out);
}

void feed_forward_backward(const FeedForwardSizes& s, View dy, View x, View w1, View w2, View pre, View dx, View dw1,
                           View db1, View dw2, View db2) {
  dispatch(x.dtype, [&]<class T>(T) {
    backward<T>(s, dy.as<T>(), x.as<T>(), w1.as<T>(), w2.as<T>(), pre.as<T>(), dx.as<T>(), dw1.as<T>(), db1.as<T>(),
                dw2.as<T>(), db2.as<T>());
  });
}

}  // namespace

void add_feed_forward(Kernels& k) {
  k.feed_forward = feed_forward;
  k.feed_forward_backward = feed_forward_backward;
}

}  // namespace triptych::cpu
