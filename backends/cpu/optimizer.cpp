// Update rules in one pass, in the buffers' own type. The decay is subtracted as lr * weight_decay * p: the factor
// 1 - lr * weight_decay would lose most of its digits in float.
#include <cmath>

#include "backends/cpu/cpu.h"
#include "backends/cpu/parallel.h"

namespace triptych::cpu {
namespace {

void adam(const AdamStep& s, View param, View grad, View m, View v, std::int64_t n) {
  const double correct1 = 1 - std::pow(s.beta1, static_cast<double>(s.step)),
               correct2 = 1 - std::pow(s.beta2, static_cast<double>(s.step));
  dispatch(param.dtype, [&]<class T>(T) {
    const T scale = static_cast<T>(s.grad_scale), keep1 = static_cast<T>(s.beta1), keep2 = static_cast<T>(s.beta2),
            new1 = static_cast<T>(1 - s.beta1), new2 = static_cast<T>(1 - s.beta2),
            step = static_cast<T>(s.lr / correct1), root = static_cast<T>(1 / std::sqrt(correct2)),
            eps = static_cast<T>(s.eps), decay = static_cast<T>(s.lr * s.weight_decay), l2 = static_cast<T>(s.l2);
    T *p = param.as<T>(), *first = m.as<T>(), *second = v.as<T>();
    const T* g = grad.as<T>();
    parallel_tiles(n, small_work, n, [&](std::int64_t begin, std::int64_t end) {
#pragma omp simd
      for (std::int64_t i = begin; i < end; ++i) {
        const T gi = g[i] * scale + l2 * p[i];
        const T m1 = keep1 * first[i] + new1 * gi, v1 = keep2 * second[i] + new2 * gi * gi;
        first[i] = m1;
        second[i] = v1;
        p[i] -= decay * p[i] + step * m1 / (std::sqrt(v1) * root + eps);
      }
    });
  });
}

void sgd(const SgdStep& s, View param, View grad, View m, std::int64_t n) {
  dispatch(param.dtype, [&]<class T>(T) {
    const T scale = static_cast<T>(s.grad_scale), l2 = static_cast<T>(s.l2), lr = static_cast<T>(s.lr),
            momentum = static_cast<T>(s.momentum);
    T *p = param.as<T>(), *velocity = m.as<T>();
    const T* g = grad.as<T>();
    parallel_tiles(n, small_work, n, [&](std::int64_t begin, std::int64_t end) {
      if (!velocity) {
#pragma omp simd
        for (std::int64_t i = begin; i < end; ++i) p[i] -= lr * (g[i] * scale + l2 * p[i]);
        return;
      }
#pragma omp simd
      for (std::int64_t i = begin; i < end; ++i) {
        const T gi = g[i] * scale + l2 * p[i];
        const T m1 = momentum * velocity[i] + gi;
        velocity[i] = m1;
        p[i] -= lr * (s.nesterov ? gi + momentum * m1 : m1);
      }
    });
  });
}

}  // namespace

void add_optimizer(Kernels& k) {
  k.adam = adam;
  k.sgd = sgd;
}

}  // namespace triptych::cpu
