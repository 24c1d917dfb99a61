// First layer of feed-forward experts, pooled. A task is a tile of hidden units of one expert: it alone writes that
// part of the pooled sums and of the gradients, so nothing is combined but dgate, whose parts are added in the order of
// the tiles. The input of the gelu is all that is kept of a row: gelu and its slope are recomputed.
#include "backends/cpu/column_sums.h"
#include "backends/cpu/cpu.h"
#include "backends/cpu/gemm.h"
#include "backends/cpu/math.h"
#include "backends/cpu/parallel.h"
#include "backends/cpu/scratch.h"

namespace triptych::cpu {
namespace {

constexpr std::int64_t row_chunk = 512, hidden_tile = 256;

// Units of a tile: a multiple of 16, and at least two tiles of each expert, so that there is work to share.
std::int64_t tile_of(std::int64_t hidden) {
  const std::int64_t count = std::max<std::int64_t>(2, (hidden + hidden_tile - 1) / hidden_tile);
  return ((hidden + count - 1) / count + 15) / 16 * 16;
}

// f(expert, begin, end) for every tile of hidden units; the experts take turns, as their numbers of rows differ.
template <class F>
void each_tile(const ExpertSizes& s, F&& f) {
  const std::int64_t tile = tile_of(s.hidden), tiles = (s.hidden + tile - 1) / tile;
  parallel_for(tiles * s.experts, s.rows * s.hidden, [&](std::int64_t i) {
    const std::int64_t begin = i / s.experts * tile;
    f(i % s.experts, begin, std::min(s.hidden, begin + tile));
  });
}

// f(first row, number of rows) for the chunks of expert e.
template <class F>
void each_chunk(const std::int32_t* start, std::int64_t e, F&& f) {
  for (std::int64_t row = start[e]; row < start[e + 1]; row += row_chunk)
    f(row, std::min<std::int64_t>(row_chunk, start[e + 1] - row));
}

template <class T>
struct Rows {  // what both directions read
  const T *x, *gate, *w1;
  const std::int32_t *start, *bag;
};

template <class T>
void forward(const ExpertSizes& s, const Rows<T>& in, const T* b1, T* pooled, T* pre) {
  each_tile(s, [&](std::int64_t e, std::int64_t begin, std::int64_t end) {
    const std::int64_t units = end - begin;
    T* sums = pooled + e * s.bags * s.hidden + begin;
    const T* bias = b1 + e * s.hidden + begin;
    for (std::int64_t b = 0; b < s.bags; ++b) std::fill_n(sums + b * s.hidden, units, T{0});
    each_chunk(in.start, e, [&](std::int64_t row, std::int64_t rows) {
      T* a = pre + row * s.hidden + begin;
      multiply_serial(Product<T>{.trans_b = true,
                                 .m = rows,
                                 .n = units,
                                 .k = s.in,
                                 .a = in.x + row * s.in,
                                 .lda = s.in,
                                 .b = in.w1 + (e * s.hidden + begin) * s.in,
                                 .ldb = s.in,
                                 .c = a,
                                 .ldc = s.hidden});
      for (std::int64_t r = row; r < row + rows; ++r, a += s.hidden) {
        T* sum = sums + in.bag[r] * s.hidden;
        const T gate = in.gate[r];
#pragma omp simd
        for (std::int64_t h = 0; h < units; ++h) {
          a[h] += bias[h];
          sum[h] += gate * gelu(a[h]);
        }
      }
    });
  });
}

// da = gate dsum gelu'(a); returns sum of dsum gelu(a).
template <class T>
double slope(const T* a, const T* dsum, T gate, T* da, std::int64_t n) {
  T total = 0;
#pragma omp simd reduction(+ : total)
  for (std::int64_t h = 0; h < n; ++h) {
    const auto phi = normal(a[h]);
    total += dsum[h] * a[h] * phi.cdf;
    da[h] = gate * dsum[h] * (phi.cdf + a[h] * phi.pdf);
  }
  return static_cast<double>(total);
}

template <class T>
void backward(const ExpertSizes& s, const Rows<T>& in, const T* dpooled, const T* pre, T* dgate, T* dw1, T* db1) {
  const std::int64_t tile = tile_of(s.hidden), tiles = (s.hidden + tile - 1) / tile;
  const auto [parts] = scratch<double>(Slot::caller, tiles * ((s.rows + 1023) / 1024 * 1024));  // grows seldom
  each_tile(s, [&, parts = parts](std::int64_t e, std::int64_t begin, std::int64_t end) {
    const std::int64_t units = end - begin;
    const std::int64_t in_doubles = (row_chunk * tile * static_cast<std::int64_t>(sizeof(T)) + 7) / 8;
    const auto [sum, memory] = scratch<double>(Slot::tile, tile, in_doubles);
    T* da = reinterpret_cast<T*>(memory);
    T* dw = dw1 + (e * s.hidden + begin) * s.in;
    std::fill_n(sum, units, 0.0);
    if (in.start[e] == in.start[e + 1]) std::fill_n(dw, units * s.in, T{0});
    each_chunk(in.start, e, [&, sum = sum](std::int64_t row, std::int64_t rows) {
      for (std::int64_t r = row; r < row + rows; ++r)
        parts[begin / tile * s.rows + r] =
            slope(pre + r * s.hidden + begin, dpooled + (e * s.bags + in.bag[r]) * s.hidden + begin, in.gate[r],
                  da + (r - row) * units, units);
      multiply_serial(Product<T>{.trans_a = true,
                                 .m = units,
                                 .n = s.in,
                                 .k = rows,
                                 .a = da,
                                 .lda = units,
                                 .b = in.x + row * s.in,
                                 .ldb = s.in,
                                 .beta = row == in.start[e] ? T{0} : T{1},
                                 .c = dw,
                                 .ldc = s.in});
      add_column_sums(da, units, rows, units, sum);
    });
    for (std::int64_t h = 0; h < units; ++h) db1[e * s.hidden + begin + h] = static_cast<T>(sum[h]);
  });
  for (std::int64_t r = 0; r < s.rows; ++r) {
    double sum = 0;
    for (std::int64_t t = 0; t < tiles; ++t) sum += parts[t * s.rows + r];
    dgate[r] = static_cast<T>(sum);
  }
}

// dx = da W1 by tiles of rows: da is made again, which costs less than keeping it.
template <class T>
void input_gradient(const ExpertSizes& s, const Rows<T>& in, const T* dpooled, const T* pre, T* dx) {
  constexpr std::int64_t tile = 128;
  std::int64_t tiles = 0;
  const auto count = [&](std::int64_t e) { return (in.start[e + 1] - in.start[e] + tile - 1) / tile; };
  for (std::int64_t e = 0; e < s.experts; ++e) tiles += count(e);
  parallel_for(tiles, s.rows * s.hidden, [&](std::int64_t i) {
    std::int64_t e = 0;
    for (; i >= count(e); ++e) i -= count(e);
    const std::int64_t row = in.start[e] + i * tile, rows = std::min<std::int64_t>(tile, in.start[e + 1] - row);
    const auto [da] = scratch<T>(Slot::tile, tile * s.hidden);
    for (std::int64_t r = row; r < row + rows; ++r)
      slope(pre + r * s.hidden, dpooled + (e * s.bags + in.bag[r]) * s.hidden, in.gate[r], da + (r - row) * s.hidden,
            s.hidden);
    multiply_serial(Product<T>{.m = rows,
                               .n = s.in,
                               .k = s.hidden,
                               .a = da,
                               .lda = s.hidden,
                               .b = in.w1 + e * s.hidden * s.in,
                               .ldb = s.in,
                               .c = dx + row * s.in,
                               .ldc = s.in});
  });
}

template <class T>
Rows<T> rows_of(View x, View start, View bag, View gate, View w1) {
  return {x.as<T>(), gate.as<T>(), w1.as<T>(), start.as<std::int32_t>(), bag.as<std::int32_t>()};
}

void expert_pool(const ExpertSizes& s, View x, View start, View bag, View gate, View w1, View b1, View pooled,
                 View pre) {
  dispatch(x.dtype, [&]<class T>(T) {
    forward<T>(s, rows_of<T>(x, start, bag, gate, w1), b1.as<T>(), pooled.as<T>(), pre.as<T>());
  });
}

void expert_pool_backward(const ExpertSizes& s, View dpooled, View x, View start, View bag, View gate, View w1,
                          View pre, View dx, View dgate, View dw1, View db1) {
  dispatch(x.dtype, [&]<class T>(T) {
    const Rows<T> in = rows_of<T>(x, start, bag, gate, w1);
    backward<T>(s, in, dpooled.as<T>(), pre.as<T>(), dgate.as<T>(), dw1.as<T>(), db1.as<T>());
    if (dx) input_gradient<T>(s, in, dpooled.as<T>(), pre.as<T>(), dx.as<T>());
  });
}

}  // namespace

void add_expert_pool(Kernels& k) {
  k.expert_pool = expert_pool;
  k.expert_pool_backward = expert_pool_backward;
}

}  // namespace triptych::cpu
