#include "ops/log_softmax.h"

#include "core/require.h"
#include "ops/naive.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
log_softmax: x (..., n), n >= 1  ->  y (..., n)

  forward   y_j = x_j - t - log sum_k e^{x_k - t},  t = max x_k       per row
  backward  dx_j = dy_j - e^{y_j} sum_k dy_k
  saves     y
  stable    the largest entry is subtracted; small probabilities keep their logarithm, which log(softmax) loses
  source    Bridle 1990, "Probabilistic interpretation of feedforward classification network outputs"
)";

}  // namespace

Var log_softmax(const Var& x) {
  require(x.shape().rank() >= 1 && x.shape().back() >= 1, "log_softmax", "x", x, "(..., n) with n at least 1");
  const std::int64_t n = x.shape().back(), rows = x.shape().rows();
  const Kernels& k = x.kernels();
  Tensor y(x.shape(), x.dtype());
  k.log_softmax(x.value().view(), y.view(), rows, n);
  return record("log_softmax", y, {x}, [&k, y, rows, n](const Tensor& dy) -> Grads {
    Tensor dx(y.shape(), y.dtype());
    k.log_softmax_backward(y.view(), dy.view(), dx.view(), rows, n);
    return {dx};
  });
}

const OpInfo& log_softmax_info() {
  static const OpInfo info{
      .name = "log_softmax",
      .formula = formula,
      .inputs = {{"x", "(..., n)"}},
      .samples = {{"rows", {normal(3, 5)}},
                  {"vector", {normal(4)}},
                  {"tokens", {normal(2, 2, 3)}},
                  {"large_entries", {1000 + 3 * normal(2, 4)}}},
      .errors = {{{"scalar", {normal()}}, "[log_softmax] x () must be (..., n) with n at least 1"},
                 {{"empty", {normal(2, 0)}}, "[log_softmax] x (2, 0) must be (..., n) with n at least 1"}},
      .apply = [](const Call& c) -> Outputs { return {log_softmax(c[0])}; },
      .reference = [](const Call& c) -> Outputs { return {naive::log_softmax(c[0])}; }};
  return info;
}

}  // namespace triptych
