// Position-wise feed-forward network (Vaswani et al. 2017, eq. 2, with gelu):
//
//   forward   a = x W1^T + b1,   g = gelu(a),   y = g W2^T + b2
//   backward  da = (dy W2) gelu'(a),   dx = da W1,   dW1 = da^T x,   db1 = sum_rows(da),   dW2 = dy^T g,
//             db2 = sum_rows(dy)
#include <vector>

#include "backends/reference/naive.h"

namespace triptych::reference {
namespace {

void feed_forward(const FeedForwardSizes& s, View x, View w1, View b1, View w2, View b2, View y, View pre) {
  dispatch(x.dtype, [&]<class T>(T) {
    for (std::int64_t r = 0; r < s.rows; ++r) {
      for (std::int64_t h = 0; h < s.hidden; ++h) {
        double sum = b1.as<T>()[h];
        for (std::int64_t i = 0; i < s.in; ++i)
          sum += static_cast<double>(x.as<T>()[r * s.in + i]) * w1.as<T>()[h * s.in + i];
        pre.as<T>()[r * s.hidden + h] = static_cast<T>(sum);
      }
      for (std::int64_t o = 0; o < s.out; ++o) {
        double sum = b2.as<T>()[o];
        for (std::int64_t h = 0; h < s.hidden; ++h) {
          const double a = pre.as<T>()[r * s.hidden + h];
          sum += a * gelu_cdf(a) * w2.as<T>()[o * s.hidden + h];
        }
        y.as<T>()[r * s.out + o] = static_cast<T>(sum);
      }
    }
  });
}

// to (n) receives sum over rows of a(row) * b(row, column).
template <class T>
void weighted_rows(std::int64_t rows, std::int64_t n, T* to, const auto& a, const auto& b) {
  for (std::int64_t j = 0; j < n; ++j) {
    double sum = 0;
    for (std::int64_t r = 0; r < rows; ++r) sum += a(r) * b(r, j);
    to[j] = static_cast<T>(sum);
  }
}

void feed_forward_backward(const FeedForwardSizes& s, View dy, View x, View w1, View w2, View pre, View dx, View dw1,
                           View db1, View dw2, View db2) {
  std::vector<double> da(static_cast<std::size_t>(s.rows * s.hidden)), gelu(da.size());
  dispatch(x.dtype, [&]<class T>(T) {
    for (std::int64_t r = 0; r < s.rows; ++r)
      for (std::int64_t h = 0; h < s.hidden; ++h) {
        const auto at = static_cast<std::size_t>(r * s.hidden + h);
        const double a = pre.as<T>()[at];
        double sum = 0;
        for (std::int64_t o = 0; o < s.out; ++o)
          sum += static_cast<double>(dy.as<T>()[r * s.out + o]) * w2.as<T>()[o * s.hidden + h];
        da[at] =
            sum * (TRIPTYCH_TERM("feed_forward.cdf", gelu_cdf(a)) + TRIPTYCH_TERM("feed_forward.pdf", a * gelu_pdf(a)));
        gelu[at] = a * gelu_cdf(a);
      }
    const auto one = [](std::int64_t) { return 1.0; };
    const auto da_at = [&](std::int64_t r, std::int64_t h) { return da[static_cast<std::size_t>(r * s.hidden + h)]; };
    const auto g_at = [&](std::int64_t r, std::int64_t h) { return gelu[static_cast<std::size_t>(r * s.hidden + h)]; };
    const auto dy_at = [&](std::int64_t r, std::int64_t o) -> double { return dy.as<T>()[r * s.out + o]; };
    const auto x_at = [&](std::int64_t r, std::int64_t i) -> double { return x.as<T>()[r * s.in + i]; };
    weighted_rows(s.rows, s.hidden, db1.as<T>(), one, da_at);
    weighted_rows(s.rows, s.out, db2.as<T>(), one, dy_at);
    for (std::int64_t h = 0; h < s.hidden; ++h)
      weighted_rows(
          s.rows, s.in, dw1.as<T>() + h * s.in, [&](std::int64_t r) { return da_at(r, h); }, x_at);
    for (std::int64_t o = 0; o < s.out; ++o)
      weighted_rows(
          s.rows, s.hidden, dw2.as<T>() + o * s.hidden, [&](std::int64_t r) { return dy_at(r, o); }, g_at);
    if (dx)
      for (std::int64_t r = 0; r < s.rows; ++r)
        weighted_rows(
            s.hidden, s.in, dx.as<T>() + r * s.in, [&](std::int64_t h) { return da_at(r, h); },
            [&](std::int64_t h, std::int64_t i) -> double { return w1.as<T>()[h * s.in + i]; });
  });
}

}  // namespace

void add_feed_forward(Kernels& k) {
  k.feed_forward = feed_forward;
  k.feed_forward_backward = feed_forward_backward;
}

}  // namespace triptych::reference
