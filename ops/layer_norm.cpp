#include "ops/layer_norm.h"

#include "core/require.h"
#include "ops/naive.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
layer_norm: x (..., d), gamma (d), beta (d)  ->  y (..., d)

  forward   mu = mean(x),  s = sqrt(var(x) + eps),  n = (x - mu) / s,  y = gamma n + beta      per row; var divides by d
  backward  g = gamma dy;   dx = (g - mean(g) - n mean(g n)) / s;   dgamma = sum_rows(dy n);   dbeta = sum_rows(dy)
  saves     x, mu, 1/s (three numbers a row, for mu comes in two parts; n is recomputed)
  stable    two-pass variance; eps inside the root, so a constant row has n = 0 and a finite dx
  source    Ba, Kiros, Hinton 2016, arXiv 1607.06450, eq. 3-4
)";

}  // namespace

Var layer_norm(const Var& x, const Var& gamma, const Var& beta, double eps) {
  require(x.shape().rank() >= 1, "layer_norm", "x", x, "(..., d)");
  const std::int64_t d = x.shape().back(), rows = x.shape().rows();
  require(gamma.shape() == Shape{d}, "layer_norm", "gamma", gamma, "(d) with d = last size of x", "x", x);
  require(beta.shape() == Shape{d}, "layer_norm", "beta", beta, "(d) with d = last size of x", "x", x);
  const Kernels& k = x.kernels();
  Tensor y(x.shape(), x.dtype()), stats({rows, 3}, x.dtype());
  k.layer_norm(x.value().view(), gamma.value().view(), beta.value().view(), y.view(), stats.view(), rows, d, eps);
  return record("layer_norm", y, {x, gamma, beta},
                [&k, x = x.value(), gamma = gamma.value(), stats, rows, d](const Tensor& dy) -> Grads {
                  Tensor dx(x.shape(), x.dtype()), dgamma(gamma.shape(), x.dtype()), dbeta(gamma.shape(), x.dtype());
                  k.layer_norm_backward(dy.view(), x.view(), gamma.view(), stats.view(), dx.view(), dgamma.view(),
                                        dbeta.view(), rows, d);
                  return {dx, dgamma, dbeta};
                });
}

const OpInfo& layer_norm_info() {
  static const OpInfo info{
      .name = "layer_norm",
      .formula = formula,
      .inputs = {{"x", "(..., d)"}, {"gamma", "(d)"}, {"beta", "(d)"}},
      .params = {{"eps", 1e-5, "added to the variance"}},
      .samples = {{"rows", {normal(5, 7), normal(7), normal(7)}},
                  {"one_row", {normal(1, 4), normal(4), normal(4)}},
                  {"tokens", {normal(2, 3, 8), normal(8), normal(8)}},
                  {"tiny_variance", {1e-1 * normal(4, 6), normal(6), normal(6)}, {{"eps", 1e-2}}}},
      .errors = {{{"gamma_size", {normal(2, 3), normal(4), normal(3)}},
                  "[layer_norm] gamma (4) must be (d) with d = last size of x, got x (2, 3)"},
                 {{"beta_size", {normal(2, 3), normal(3), normal(2)}},
                  "[layer_norm] beta (2) must be (d) with d = last size of x, got x (2, 3)"}},
      .apply = [](const Call& c) -> Outputs { return {layer_norm(c[0], c[1], c[2], c.number("eps"))}; },
      .reference = [](const Call& c) -> Outputs { return {naive::layer_norm(c[0], c[1], c[2], c.number("eps"))}; }};
  return info;
}

}  // namespace triptych
