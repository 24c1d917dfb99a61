#include "ops/broadcast.h"

#include "core/require.h"

namespace triptych::broadcast {

void require(std::string_view op, const Var& a, const Var& b) {
  triptych::require(a.shape().ends_with(b.shape()), op, "b", b, "the last sizes of a, or ()", "a", a);
}

Tensor sum_to(const Kernels& k, const Tensor& dy, const Shape& shape) {
  if (dy.shape() == shape) return dy;
  Tensor sum(shape, dy.dtype());
  const std::int64_t period = shape.count();
  k.sum_rows(dy.view(), sum.view(), period > 0 ? dy.size() / period : 0, period);
  return sum;
}

Tensor apply(Binary op, const Kernels& k, const Tensor& a, const Tensor& b) {
  Tensor y(a.shape(), a.dtype());
  k.binary(op, a.view(), b.view(), y.view(), a.size(), b.size());
  return y;
}

}  // namespace triptych::broadcast
