#include "losses/squared_entries.h"

namespace triptych {

Var squared_entries(const Var& c, double diagonal, double target, double off_diagonal) {
  const Kernels& k = c.kernels();
  const std::int64_t d = c.shape()[0];
  Tensor weighted(c.shape(), c.dtype());  // half the gradient
  k.axpby(off_diagonal, c.value().view(), 0, weighted.view(), weighted.size());
  double on_target = 0;
  for (std::int64_t i = 0; i < d * d; i += d + 1) {
    weighted.set(i, diagonal * (c.value().at(i) - target));
    on_target += target * weighted.at(i);
  }
  const double value = k.dot(weighted.view(), c.value().view(), weighted.size()) - on_target;
  return record("squared_entries", Tensor::scalar(value, c.dtype()), {c}, [&k, weighted](const Tensor& dy) -> Grads {
    Tensor dc(weighted.shape(), weighted.dtype());
    k.axpby(2 * dy.item(), weighted.view(), 0, dc.view(), dc.size());
    return {dc};
  });
}

}  // namespace triptych
