// First layer of feed-forward experts, pooled: a_r = x_r W1_e^T + b1_e for the rows r of expert e,
//
//   forward   P_eb = sum over its rows r with bag_r = b of g_r gelu(a_r)
//   backward  dg_r = dP_eb . gelu(a_r),   da_r = g_r gelu'(a_r) dP_eb,   dW1_e = sum_r da_r^T x_r,   db1_e = sum_r
//   da_r,
//             dx_r = da_r W1_e
#include <algorithm>
#include <vector>

#include "backends/reference/naive.h"

namespace triptych::reference {
namespace {

// f(row, expert, bag) for every row.
template <class F>
void each_row(const ExpertSizes& s, View start, View bag, F&& f) {
  for (std::int64_t e = 0; e < s.experts; ++e)
    for (std::int64_t r = start.as<std::int32_t>()[e]; r < start.as<std::int32_t>()[e + 1]; ++r)
      f(r, e, bag.as<std::int32_t>()[r]);
}

void expert_pool(const ExpertSizes& s, View x, View start, View bag, View gate, View w1, View b1, View pooled,
                 View pre) {
  std::vector<double> sum(static_cast<std::size_t>(s.experts * s.bags * s.hidden));
  dispatch(x.dtype, [&]<class T>(T) {
    each_row(s, start, bag, [&](std::int64_t r, std::int64_t e, std::int64_t b) {
      for (std::int64_t h = 0; h < s.hidden; ++h) {
        double a = b1.as<T>()[e * s.hidden + h];
        for (std::int64_t i = 0; i < s.in; ++i)
          a += static_cast<double>(x.as<T>()[r * s.in + i]) * w1.as<T>()[(e * s.hidden + h) * s.in + i];
        pre.as<T>()[r * s.hidden + h] = static_cast<T>(a);
        sum[static_cast<std::size_t>((e * s.bags + b) * s.hidden + h)] += gate.as<T>()[r] * a * gelu_cdf(a);
      }
    });
    std::transform(sum.begin(), sum.end(), pooled.as<T>(), [](double v) { return static_cast<T>(v); });
  });
}

void expert_pool_backward(const ExpertSizes& s, View dpooled, View x, View start, View bag, View gate, View w1,
                          View pre, View dx, View dgate, View dw1, View db1) {
  const std::int64_t units = s.experts * s.hidden;
  std::vector<double> w(static_cast<std::size_t>(units * s.in)), b(static_cast<std::size_t>(units)),
      row(static_cast<std::size_t>(s.in));
  dispatch(x.dtype, [&]<class T>(T) {
    each_row(s, start, bag, [&](std::int64_t r, std::int64_t e, std::int64_t in_bag) {
      double dg = 0;
      std::fill(row.begin(), row.end(), 0);
      for (std::int64_t h = 0; h < s.hidden; ++h) {
        const double a = pre.as<T>()[r * s.hidden + h], d = dpooled.as<T>()[(e * s.bags + in_bag) * s.hidden + h];
        const double da =
            d * gate.as<T>()[r] *
            (TRIPTYCH_TERM("expert_pool.cdf", gelu_cdf(a)) + TRIPTYCH_TERM("expert_pool.pdf", a * gelu_pdf(a)));
        dg += d * a * gelu_cdf(a);
        b[static_cast<std::size_t>(e * s.hidden + h)] += da;
        for (std::int64_t i = 0; i < s.in; ++i) {
          const std::int64_t at = (e * s.hidden + h) * s.in + i;
          w[static_cast<std::size_t>(at)] += da * x.as<T>()[r * s.in + i];
          row[static_cast<std::size_t>(i)] += da * w1.as<T>()[at];
        }
      }
      dgate.as<T>()[r] = static_cast<T>(dg);
      for (std::int64_t i = 0; dx && i < s.in; ++i)
        dx.as<T>()[r * s.in + i] = static_cast<T>(row[static_cast<std::size_t>(i)]);
    });
    std::transform(w.begin(), w.end(), dw1.as<T>(), [](double v) { return static_cast<T>(v); });
    std::transform(b.begin(), b.end(), db1.as<T>(), [](double v) { return static_cast<T>(v); });
  });
}

}  // namespace

void add_expert_pool(Kernels& k) {
  k.expert_pool = expert_pool;
  k.expert_pool_backward = expert_pool_backward;
}

}  // namespace triptych::reference
