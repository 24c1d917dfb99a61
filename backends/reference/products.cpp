#include "backends/reference/naive.h"

namespace triptych::reference {
namespace {

void gemm(const Gemm& g, View a, View b, View c) {
  dispatch(c.dtype, [&]<class T>(T) {
    const auto distance = [](std::int64_t ld, std::int64_t packed) { return ld ? ld : packed; };
    const std::int64_t lda = distance(g.lda, g.trans_a ? g.m : g.k), ldb = distance(g.ldb, g.trans_b ? g.k : g.n),
                       ldc = distance(g.ldc, g.n);
    for (std::int64_t p = 0; p < g.batch; ++p)
      for (std::int64_t i = 0; i < g.m; ++i)
        for (std::int64_t j = 0; j < g.n; ++j) {
          double s = 0;
          for (std::int64_t l = 0; l < g.k; ++l) {
            const T u = a.as<T>()[p * g.stride_a + (g.trans_a ? l * lda + i : i * lda + l)];
            const T v = b.as<T>()[p * g.stride_b + (g.trans_b ? j * ldb + l : l * ldb + j)];
            s += static_cast<double>(u) * v;
          }
          T& out = c.as<T>()[p * g.stride_c + i * ldc + j];
          out = static_cast<T>(g.alpha * s + (g.beta == 0 ? 0 : g.beta * out));
        }
  });
}

void add_bias(View bias, View y, std::int64_t rows, std::int64_t cols) {
  dispatch(y.dtype, [&]<class T>(T) {
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < cols; ++j) y.as<T>()[i * cols + j] += bias.as<T>()[j];
  });
}

}  // namespace

void add_products(Kernels& k) {
  k.gemm = gemm;
  k.add_bias = add_bias;
}

}  // namespace triptych::reference
