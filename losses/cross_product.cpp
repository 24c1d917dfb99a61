#include "losses/cross_product.h"

namespace triptych {

Var cross_product(std::string_view loss, const Var& a, const Var& b, const Tensor& A, const Tensor& B, double c) {
  const Kernels& k = a.kernels();
  const std::int64_t n = A.shape()[0], da = A.shape()[1], db = B.shape()[1];
  Tensor M({da, db}, A.dtype());
  k.gemm({.trans_a = true, .m = da, .n = db, .k = n}, A.view(), B.view(), M.view());
  const Tensor value = Tensor::scalar(c * k.dot(M.view(), M.view(), M.size()), A.dtype());
  return record(
      loss, value, {a, b},
      [&k, A, B, M, n, da, db, c, want_a = a.requires_grad(), want_b = b.requires_grad()](const Tensor& dy) -> Grads {
        const double alpha = 2 * c * dy.item();
        Grads g{Tensor{}, Tensor{}};
        if (want_a) {
          g[0] = Tensor(A.shape(), A.dtype());
          k.gemm({.trans_b = true, .m = n, .n = da, .k = db, .alpha = alpha}, B.view(), M.view(), g[0].view());
        }
        if (want_b) {
          g[1] = Tensor(B.shape(), B.dtype());
          k.gemm({.m = n, .n = db, .k = da, .alpha = alpha}, A.view(), M.view(), g[1].view());
        }
        return g;
      });
}

}  // namespace triptych
