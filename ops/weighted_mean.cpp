#include "ops/weighted_mean.h"

#include <algorithm>

#include "core/require.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
weighted_mean: x (B, L, d), w (B, L) >= 0  ->  y (B, d)

  forward   y = sum_j w_j x_j / s,   s = max(sum_j w_j, floor)                                   per sample
  backward  dx_j = w_j dy / s;   dw_j = dy . (x_j - y) / s, where the floor holds dy . x_j / s
  saves     x, w, y, s
  domain    floor > 0; a kink where the total is the floor, with the derivative from above taken there
  source    weighted mean; the floor in place of AdaSlot's sum + 1e-5 (arXiv 2406.09196), whose gradient explodes when
            every token is dropped
)";

// c_i times row i.
Tensor rows_scaled(const Kernels& k, const Tensor& x, const Tensor& c) {
  Tensor y(x.shape(), x.dtype());
  k.scale_rows(x.view(), c.view(), y.view(), c.size(), x.size() / std::max<std::int64_t>(1, c.size()));
  return y;
}

}  // namespace

Var weighted_mean(const Var& x, const Var& w, double floor) {
  require(x.shape().rank() == 3, "weighted_mean", "x", x, "(B, L, d)");
  require(w.shape() == x.shape().without_last(), "weighted_mean", "w", w, "(B, L) of x", "x", x);
  require(floor > 0, "weighted_mean", "floor", floor, "greater than 0");
  const std::int64_t batch = x.shape()[0], tokens = x.shape()[1], d = x.shape()[2];
  const Kernels& k = x.kernels();
  // 1 / s, and the same where the total is above the floor, else 0.
  Tensor inverse = Tensor::zeros({batch}, x.dtype()), free = Tensor::zeros({batch}, x.dtype());
  for (std::int64_t b = 0; b < batch; ++b) {
    double total = 0;
    for (std::int64_t j = 0; j < tokens; ++j) total += w.value().at(b * tokens + j);
    inverse.set(b, 1 / (total < floor ? floor : total));
    if (!(total < floor)) free.set(b, inverse.at(b));
  }
  Tensor sum({batch, d}, x.dtype());
  const Gemm mean{
      .m = 1, .n = d, .k = tokens, .batch = batch, .stride_a = tokens, .stride_b = tokens * d, .stride_c = d};
  k.gemm(mean, w.value().view(), x.value().view(), sum.view());
  const Tensor y = rows_scaled(k, sum, inverse);
  return record(
      "weighted_mean", y, {x, w},
      [&k, x = x.value(), w = w.value(), y, inverse, free, batch, tokens, d, want_x = x.requires_grad(),
       want_w = w.requires_grad()](const Tensor& dy) -> Grads {
        const Tensor up = rows_scaled(k, dy, inverse);
        Tensor dx, dw;
        if (want_x) {
          dx = Tensor(x.shape(), x.dtype());
          k.gemm(
              {.m = tokens, .n = d, .k = 1, .batch = batch, .stride_a = tokens, .stride_b = d, .stride_c = tokens * d},
              w.view(), up.view(), dx.view());
        }
        if (want_w) {
          dw = Tensor(w.shape(), x.dtype());
          k.gemm(
              {.m = tokens, .n = 1, .k = d, .batch = batch, .stride_a = tokens * d, .stride_b = d, .stride_c = tokens},
              x.view(), up.view(), dw.view());
          for (std::int64_t b = 0; b < batch; ++b) {
            double of_mean = 0;
            for (std::int64_t c = 0; c < d; ++c) of_mean += dy.at(b * d + c) * y.at(b * d + c);
            for (std::int64_t j = b * tokens; j < (b + 1) * tokens; ++j) dw.set(j, dw.at(j) - of_mean * free.at(b));
          }
        }
        return {dx, dw};
      });
}

const OpInfo& weighted_mean_info() {
  static const OpInfo info{
      .name = "weighted_mean",
      .formula = formula,
      .inputs = {{"x", "(B, L, d)"}, {"w", "(B, L)"}},
      .params = {{"floor", 1.0, "least total weight"}},
      .samples = {{"above_floor", {normal(2, 4, 3), uniform(0.4, 1, {2, 4})}},
                  {"below_floor", {normal(2, 3, 2), uniform(0.02, 0.2, {2, 3})}},
                  {"one_token", {normal(3, 1, 2), uniform(0.5, 1, {3, 1})}, {{"floor", 2.0}}},
                  {"dropped", {normal(2, 3, 2), list({2, 3}, {1, 0, 1, 0, 0, 0})}, {{"floor", 0.5}}}},
      .errors = {{{"weights", {normal(2, 4, 3), normal(2, 3)}},
                  "[weighted_mean] w (2, 3) must be (B, L) of x, got x (2, 4, 3)"},
                 {{"rank", {normal(4, 3), normal(4)}}, "[weighted_mean] x (4, 3) must be (B, L, d)"},
                 {{"floor", {normal(2, 4, 3), normal(2, 4)}, {{"floor", 0.0}}},
                  "[weighted_mean] floor = 0 must be greater than 0"}},
      .apply = [](const Call& c) -> Outputs { return {weighted_mean(c[0], c[1], c.number("floor"))}; }};
  return info;
}

}  // namespace triptych
