#include "ops/unary.h"

namespace triptych {

Var unary(std::string_view name, Unary f, Saves saves, const Var& x) {
  const Kernels& k = x.kernels();
  Tensor y(x.shape(), x.dtype());
  k.unary(f, x.value().view(), y.view(), y.size());
  return record(name, y, {x}, [&k, f, saved = saves == Saves::input ? x.value() : y](const Tensor& dy) -> Grads {
    Tensor dx(dy.shape(), dy.dtype());
    k.unary_backward(f, saved.view(), saved.view(), dy.view(), dx.view(), dx.size());
    return {dx};
  });
}

}  // namespace triptych
