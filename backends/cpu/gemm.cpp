#include "backends/cpu/gemm_eigen.h"
// Eigen's header comes first: it must see EIGEN_DONT_PARALLELIZE.
#include <algorithm>
#include <new>
#include <stdexcept>
#include <string>

#include "backends/cpu/cpu.h"
#include "backends/cpu/parallel.h"

#ifdef TRIPTYCH_ONEDNN
#include <omp.h>
#include <oneapi/dnnl/dnnl.h>
#endif

namespace triptych::cpu {
namespace {

#ifdef TRIPTYCH_ONEDNN
// On one thread whatever the setting: oneDNN cuts the inner dimension by its number of threads in some shapes (n = 512,
// k = 2048 is one), which changes the bits, and then is also slower than the tiles below.
void multiply_onednn(const Product<float>& p) {
  const int before = omp_get_max_threads();
  if (before > 1) omp_set_num_threads(1);
  const dnnl_status_t status = dnnl_sgemm(p.trans_a ? 'T' : 'N', p.trans_b ? 'T' : 'N', p.m, p.n, p.k, p.alpha, p.a,
                                          p.lda, p.b, p.ldb, p.beta, p.c, p.ldc);
  if (before > 1) omp_set_num_threads(before);
  if (status == dnnl_out_of_memory) throw std::bad_alloc();
  if (status != dnnl_success)
    throw std::runtime_error("oneDNN refused a matrix product: status " + std::to_string(status));
}
#endif

// C is cut along its longer side into a number of tiles that depends on the shape alone. Few large tiles, because every
// tile packs the whole of the other factor again: 1 below 1 Mflop, where a second thread costs more than it saves, then
// 2, 4 and, from 3072 rows or columns on, 8.
std::int64_t tile_count(std::int64_t side, double flops) {
  if (flops < 1e6 || side < 32) return 1;
  if (flops < 64e6 || side < 512) return 2;
  return side < 3072 ? 4 : 8;
}

template <class T>
void multiply_tiled(const Product<T>& p) {
  const double flops = 2.0 * static_cast<double>(p.m) * static_cast<double>(p.n) * static_cast<double>(p.k);
  const bool by_rows = p.m >= p.n;
  const std::int64_t side = by_rows ? p.m : p.n, count = tile_count(side, flops);
  if (count == 1) return multiply_serial(p);
  const std::int64_t tile = ((side + count - 1) / count + 15) / 16 * 16;
  parallel_tiles(side, tile, small_work, [&](std::int64_t begin, std::int64_t end) {
    Product<T> part = p;
    if (by_rows) {
      part.m = end - begin;
      part.a += p.trans_a ? begin : begin * p.lda;
      part.c += begin * p.ldc;
    } else {
      part.n = end - begin;
      part.b += p.trans_b ? begin * p.ldb : begin;
      part.c += begin;
    }
    multiply_serial(part);
  });
}

template <class T>
Product<T> product(const Gemm& g, View a, View b, View c, std::int64_t i) {
  return {g.trans_a,
          g.trans_b,
          g.m,
          g.n,
          g.k,
          static_cast<T>(g.alpha),
          a.as<T>() + i * g.stride_a,
          g.lda ? g.lda : (g.trans_a ? g.m : g.k),
          b.as<T>() + i * g.stride_b,
          g.ldb ? g.ldb : (g.trans_b ? g.k : g.n),
          static_cast<T>(g.beta),
          c.as<T>() + i * g.stride_c,
          g.ldc ? g.ldc : g.n};
}

void gemm(const Gemm& g, View a, View b, View c) {
  dispatch(c.dtype, [&]<class T>(T) {
    if (g.batch == 1) return multiply(product<T>(g, a, b, c, 0));
    parallel_for(g.batch, g.batch * g.m * (g.n + g.k),
                 [&](std::int64_t i) { multiply_serial(product<T>(g, a, b, c, i)); });
  });
}

}  // namespace

void multiply(const Product<float>& p) { multiply_tiled(p); }
void multiply(const Product<double>& p) { multiply_tiled(p); }

void multiply_serial(const Product<float>& p) {
#ifdef TRIPTYCH_ONEDNN
  if (p.m > 0 && p.n > 0 && p.k > 0) return multiply_onednn(p);  // Eigen scales C when k = 0
#endif
  multiply_eigen(p);
}
void multiply_serial(const Product<double>& p) { multiply_eigen(p); }

void add_gemm(Kernels& k) { k.gemm = gemm; }

}  // namespace triptych::cpu
