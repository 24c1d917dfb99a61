#include <cmath>

#include "backends/reference/naive.h"

namespace triptych::reference {
namespace {

void adam(const AdamStep& s, View param, View grad, View m, View v, std::int64_t n) {
  const double correct1 = 1 - std::pow(s.beta1, static_cast<double>(s.step)),
               correct2 = 1 - std::pow(s.beta2, static_cast<double>(s.step));
  dispatch(param.dtype, [&]<class T>(T) {
    for (std::int64_t i = 0; i < n; ++i) {
      const double g = grad.as<T>()[i] * s.grad_scale + s.l2 * param.as<T>()[i];
      const double m1 = s.beta1 * m.as<T>()[i] + (1 - s.beta1) * g, v1 = s.beta2 * v.as<T>()[i] + (1 - s.beta2) * g * g;
      m.as<T>()[i] = static_cast<T>(m1);
      v.as<T>()[i] = static_cast<T>(v1);
      const double p = param.as<T>()[i] * (1 - s.lr * s.weight_decay);
      param.as<T>()[i] = static_cast<T>(p - s.lr * (m1 / correct1) / (std::sqrt(v1 / correct2) + s.eps));
    }
  });
}

void sgd(const SgdStep& s, View param, View grad, View m, std::int64_t n) {
  dispatch(param.dtype, [&]<class T>(T) {
    for (std::int64_t i = 0; i < n; ++i) {
      T& p = param.as<T>()[i];
      const double g = grad.as<T>()[i] * s.grad_scale + s.l2 * p;
      const double m1 = m ? s.momentum * m.as<T>()[i] + g : g;
      if (m) m.as<T>()[i] = static_cast<T>(m1);
      p = static_cast<T>(p - s.lr * (m && s.nesterov ? g + s.momentum * m1 : m1));
    }
  });
}

}  // namespace

void add_optimizer(Kernels& k) {
  k.adam = adam;
  k.sgd = sgd;
}

}  // namespace triptych::reference
