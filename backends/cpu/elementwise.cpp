// Elementwise entries. `omp simd` promises that iterations are independent, which holds in place (y = x) too.
#include <cstring>

#include "backends/cpu/cpu.h"
#include "backends/cpu/math.h"
#include "backends/cpu/parallel.h"

namespace triptych::cpu {
namespace {

// y[i] = f(i), vectorised and shared over the threads.
template <class T, class F>
void each(std::int64_t n, T* y, F f) {
  parallel_tiles(n, small_work, n, [&](std::int64_t begin, std::int64_t end) {
#pragma omp simd
    for (std::int64_t i = begin; i < end; ++i) y[i] = f(i);
  });
}

void fill(View y, std::int64_t n, double value) {
  dispatch(y.dtype, [&]<class T>(T) {
    const T v = static_cast<T>(value);
    each(n, y.as<T>(), [v](std::int64_t) { return v; });
  });
}

void copy(View x, View y, std::int64_t n) {
  const std::int64_t bytes = n * size_of(y.dtype);
  parallel_tiles(bytes, 4 * small_work, n, [&](std::int64_t begin, std::int64_t end) {
    std::memcpy(y.as<std::byte>() + begin, x.as<std::byte>() + begin, static_cast<std::size_t>(end - begin));
  });
}

template <class T, class F>
void binary_with(const T* a, const T* b, T* y, std::int64_t n, std::int64_t period, F f) {
  if (period == n) return each(n, y, [=](std::int64_t i) { return f(a[i], b[i]); });
  if (period == 1) return each(n, y, [=, v = b[0]](std::int64_t i) { return f(a[i], v); });
  parallel_rows(n / period, period, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      const T* from = a + r * period;
      T* to = y + r * period;
#pragma omp simd
      for (std::int64_t j = 0; j < period; ++j) to[j] = f(from[j], b[j]);
    }
  });
}

void binary(Binary op, View a, View b, View y, std::int64_t n, std::int64_t period) {
  if (n == 0) return;
  dispatch(y.dtype, [&]<class T>(T) {
    const auto with = [&](auto f) { binary_with(a.as<T>(), b.as<T>(), y.as<T>(), n, period, f); };
    switch (op) {
      case Binary::add: return with([](T u, T v) { return u + v; });
      case Binary::sub: return with([](T u, T v) { return u - v; });
      case Binary::mul: return with([](T u, T v) { return u * v; });
    }
  });
}

void axpby(double alpha, View x, double beta, View y, std::int64_t n) {
  dispatch(y.dtype, [&]<class T>(T) {
    const T a = static_cast<T>(alpha), b = static_cast<T>(beta);
    const T* in = x.as<T>();
    T* out = y.as<T>();
    if (b == 0) return each(n, out, [=](std::int64_t i) { return a * in[i]; });
    if (a == 1 && b == 1) return each(n, out, [=](std::int64_t i) { return in[i] + out[i]; });
    each(n, out, [=](std::int64_t i) { return a * in[i] + b * out[i]; });
  });
}

void unary(Unary op, View x, View y, std::int64_t n) {
  dispatch(y.dtype, [&]<class T>(T) {
    const T* in = x.as<T>();
    const auto with = [&](auto f) { each(n, y.as<T>(), [=](std::int64_t i) { return f(in[i]); }); };
    switch (op) {
      case Unary::exp: return with([](T v) { return exp(v); });
      case Unary::sqrt: return with([](T v) { return std::sqrt(v); });
      case Unary::square: return with([](T v) { return v * v; });
      case Unary::relu: return with([](T v) { return v <= 0 ? T{0} : v; });  // NaN <= 0 is false: NaN stays
      case Unary::gelu: return with([](T v) { return gelu(v); });
      case Unary::sigmoid: return with([](T v) { return sigmoid(v); });
      case Unary::tanh: return with([](T v) { return tanh(v); });
    }
  });
}

// Slopes at the kinks as in the reference: relu'(0) = sqrt'(0) = 0.
void unary_backward(Unary op, View x, View y, View dy, View dx, std::int64_t n) {
  dispatch(dx.dtype, [&]<class T>(T) {
    const T *in = x.as<T>(), *out = y.as<T>(), *up = dy.as<T>();
    const auto with = [&](auto slope) {
      each(n, dx.as<T>(), [=](std::int64_t i) { return up[i] * slope(in[i], out[i]); });
    };
    switch (op) {
      case Unary::exp: return with([](T, T v) { return v; });
      case Unary::sqrt: return with([](T, T v) { return v > 0 ? T(0.5) / v : T{0}; });
      case Unary::square: return with([](T u, T) { return 2 * u; });
      case Unary::relu: return with([](T u, T) { return u > 0 ? T{1} : T{0}; });
      case Unary::gelu: return with([](T u, T) { return gelu_slope(u); });
      case Unary::sigmoid: return with([](T, T v) { return v * (1 - v); });
      case Unary::tanh: return with([](T, T v) { return (1 - v) * (1 + v); });
    }
  });
}

}  // namespace

void add_elementwise(Kernels& k) {
  k.fill = fill;
  k.copy = copy;
  k.binary = binary;
  k.axpby = axpby;
  k.unary = unary;
  k.unary_backward = unary_backward;
}

}  // namespace triptych::cpu
