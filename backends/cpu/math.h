// Elementary functions that a compiler can vectorise: float by polynomials without branches, double by the library.
//
//   exp    x = n log 2 + r,  |r| <= log(2)/2,  e^x = 2^n (1 + r + r^2 Q(r)),  Q of degree 4
//   tanh   |x| from expm1(-2 |x|), which keeps the small ones exact
//   Phi    the standard normal's distribution: Phi(-a) = exp(-a^2/2) t P(t), t = 1/(1 + 0.3 a), P of degree 9
//
// Coefficients: weighted minimax fits (Lawson's iteration) in 40 digits; relative error 4e-9 of exp and 7e-9 of Phi(-a)
// before rounding. NaN in, NaN out.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>

namespace triptych::cpu {

inline double exp(double x) { return std::exp(x); }

inline float power_of_two(std::int32_t n) { return std::bit_cast<float>((static_cast<std::uint32_t>(n) + 127u) << 23); }

// e^x = 2^n (1 + tail), |tail| < 1.
struct Reduced {
  std::int32_t n;
  float tail;
};
inline Reduced reduce(float x) {
  constexpr float round = 12582912.0f;  // 1.5 * 2^23: adding it leaves the nearest integer in the low bits
  const float shifted = __builtin_fmaf(x, std::numbers::log2e_v<float>, round), n = shifted - round;
  const float r = __builtin_fmaf(n, -1.42860677e-6f, __builtin_fmaf(n, -0.693145752f, x));  // log 2 in two parts
  float q = 1.395171201e-03f;
  q = __builtin_fmaf(q, r, 8.369591979e-03f);
  q = __builtin_fmaf(q, r, 4.166618744e-02f);
  q = __builtin_fmaf(q, r, 1.666651295e-01f);
  q = __builtin_fmaf(q, r, 5.000000101e-01f);
  return {std::bit_cast<std::int32_t>(shifted) - std::bit_cast<std::int32_t>(round), __builtin_fmaf(q * r, r, r)};
}

inline float exp(float x) {
  x = x > 89.0f ? 89.0f : x;  // beyond: 2^129 = inf, 2^-152 = 0
  x = x < -105.0f ? -105.0f : x;
  const Reduced e = reduce(x);
  // 2^n in two factors: n may leave the exponent's range where the result is subnormal or overflows.
  const std::int32_t half = e.n >> 1;
  return (e.tail + 1.0f) * power_of_two(half) * power_of_two(e.n - half);
}

template <class T>
T sigmoid(T x) {
  return T{1} / (T{1} + exp(-x));
}

inline double tanh(double x) { return std::tanh(x); }

inline float tanh(float x) {
  const float a = x < 0 ? -x : x;
  const Reduced e = reduce(a > 20.0f ? -40.0f : -2.0f * a);
  const float power = power_of_two(e.n), m = __builtin_fmaf(power, e.tail, power - 1.0f);  // e^{-2a} - 1
  const float y = m / (2.0f + m);
  return x < 0 ? y : -y;
}

// Phi(x) and its density, together because they share exp(-x^2/2).
template <class T>
struct Normal {
  T cdf, pdf;
};

inline Normal<double> normal(double x) {
  return {0.5 * std::erfc(-x / std::numbers::sqrt2), std::exp(-0.5 * x * x) / std::sqrt(2 * std::numbers::pi)};
}

inline Normal<float> normal(float x) {
  const float a = x < 0 ? -x : x, t = 1.0f / __builtin_fmaf(0.3f, a, 1.0f), e = exp(-0.5f * x * x);
  float p = -1.909317657e-02f;
  p = __builtin_fmaf(p, t, 1.044254942e-01f);
  p = __builtin_fmaf(p, t, -2.101464369e-01f);
  p = __builtin_fmaf(p, t, 1.688151514e-01f);
  p = __builtin_fmaf(p, t, -6.135729746e-02f);
  p = __builtin_fmaf(p, t, 8.708411181e-02f);
  p = __builtin_fmaf(p, t, 8.128172845e-02f);
  p = __builtin_fmaf(p, t, 1.096751732e-01f);
  p = __builtin_fmaf(p, t, 1.196311640e-01f);
  p = __builtin_fmaf(p, t, 1.196840911e-01f);
  const float tail = e * (t * p);
  return {x > 0 ? 1.0f - tail : tail, 0.398942280f * e};
}

template <class T>
T gelu(T x) {
  return x * normal(x).cdf;
}
template <class T>
T gelu_slope(T x) {
  const auto n = normal(x);
  return n.cdf + x * n.pdf;
}

}  // namespace triptych::cpu
