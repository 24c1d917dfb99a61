#include "backends/cpu/gemm_eigen.h"
// Eigen's header comes first: it must see EIGEN_DONT_PARALLELIZE.
#include <algorithm>

#include "backends/cpu/cpu.h"
#include "backends/cpu/parallel.h"

#ifdef TRIPTYCH_ONEDNN
#include <oneapi/dnnl/dnnl.h>
#endif

namespace triptych::cpu {
namespace {

// Rows of C in fixed tiles, one Eigen product each.
template <class T>
void multiply_tiled(const Product<T>& p) {
  constexpr std::int64_t tile = 128;
  parallel_tiles(p.m, tile, p.m * p.n * std::max<std::int64_t>(1, p.k / 16), [&](std::int64_t begin, std::int64_t end) {
    Product<T> part = p;
    part.m = end - begin;
    part.a += p.trans_a ? begin : begin * p.lda;
    part.c += begin * p.ldc;
    multiply_eigen(part);
  });
}

#ifdef TRIPTYCH_ONEDNN
void multiply_onednn(const Product<float>& p) {
  if (p.m == 0 || p.n == 0) return;
  if (p.k == 0) return multiply_eigen(p);  // scales C only
  dnnl_sgemm(p.trans_a ? 'T' : 'N', p.trans_b ? 'T' : 'N', p.m, p.n, p.k, p.alpha, p.a, p.lda, p.b, p.ldb, p.beta, p.c,
             p.ldc);
}
#endif

template <class T>
Product<T> product(const Gemm& g, View a, View b, View c, std::int64_t i) {
  return {g.trans_a,
          g.trans_b,
          g.m,
          g.n,
          g.k,
          static_cast<T>(g.alpha),
          a.as<T>() + i * g.stride_a,
          g.trans_a ? g.m : g.k,
          b.as<T>() + i * g.stride_b,
          g.trans_b ? g.k : g.n,
          static_cast<T>(g.beta),
          c.as<T>() + i * g.stride_c,
          g.n};
}

void gemm(const Gemm& g, View a, View b, View c) {
  dispatch(c.dtype, [&]<class T>(T) {
    if (g.batch == 1) return multiply(product<T>(g, a, b, c, 0));
    parallel_for(g.batch, g.batch * g.m * g.n, [&](std::int64_t i) { multiply_serial(product<T>(g, a, b, c, i)); });
  });
}

}  // namespace

void multiply(const Product<double>& p) { multiply_tiled(p); }
void multiply_serial(const Product<double>& p) { multiply_eigen(p); }

#ifdef TRIPTYCH_ONEDNN
void multiply(const Product<float>& p) { multiply_onednn(p); }
void multiply_serial(const Product<float>& p) { multiply_eigen(p); }
#else
void multiply(const Product<float>& p) { multiply_tiled(p); }
void multiply_serial(const Product<float>& p) { multiply_eigen(p); }
#endif

void add_gemm(Kernels& k) { k.gemm = gemm; }

}  // namespace triptych::cpu
