#include "ops/cross_entropy.h"

#include "core/require.h"
#include "ops/naive.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
cross_entropy: logits (n, c), target int32 (n) in [0, c)  ->  y (), n >= 1

  forward   y = mean over rows i of  log(sum_j e^{z_ij}) - z_{i, target_i}
  backward  dz_ij = dy (p_ij - [j = target_i]) / n,   p = softmax(z) row by row
  saves     p
  stable    the largest entry of the row is subtracted inside the log-sum-exp
  source    Goodfellow, Bengio, Courville 2016, "Deep learning", 6.2.2.3
)";

}  // namespace

Var cross_entropy(const Var& logits, const Var& target) {
  require(logits.shape().rank() == 2 && logits.shape()[0] >= 1, "cross_entropy", "logits", logits,
          "(n, c) with n >= 1");
  const std::int64_t n = logits.shape()[0], c = logits.shape()[1];
  require(target.shape() == Shape{n}, "cross_entropy", "target", target, "(n) with n = rows of logits", "logits",
          logits);
  require_index("cross_entropy", "target", target, 0, c, "a column of logits", "logits", logits);
  const Kernels& k = logits.kernels();
  Tensor probs(logits.shape(), logits.dtype()), losses({n}, logits.dtype()), y({}, logits.dtype());
  k.cross_entropy(logits.value().view(), target.value().view(), probs.view(), losses.view(), n, c);
  k.fill(y.view(), 1, k.sum(losses.view(), n) / static_cast<double>(n));
  return record("cross_entropy", y, {logits, target},
                [&k, probs, target = target.value(), n, c](const Tensor& dy) -> Grads {
                  Tensor each({n}, dy.dtype()), dx(probs.shape(), dy.dtype());
                  k.fill(each.view(), n, 1 / static_cast<double>(n));
                  k.binary(Binary::mul, each.view(), dy.view(), each.view(), n, 1);
                  k.cross_entropy_backward(probs.view(), target.view(), each.view(), dx.view(), n, c);
                  return {dx};
                });
}

const OpInfo& cross_entropy_info() {
  static const OpInfo info{
      .name = "cross_entropy",
      .formula = formula,
      .inputs = {{"logits", "(n, c)"}, {"target", "(n)", Kind::index}},
      .samples = {{"rows", {normal(4, 3), list({4}, {2, 0, 1, 1})}},
                  {"one_row", {normal(1, 3), list({1}, {1})}},
                  {"large_logits", {1000 + 3 * normal(2, 4), list({2}, {3, 0})}}},
      .errors = {{{"range", {normal(2, 3), list({2}, {0, 3})}},
                  "[cross_entropy] target[1] = 3 must be a column of logits, got logits (2, 3)"},
                 {{"rows", {normal(2, 3), list({3}, {0, 1, 2})}},
                  "[cross_entropy] target (3) must be (n) with n = rows of logits, got logits (2, 3)"},
                 {{"rank", {normal(3), list({1}, {0})}}, "[cross_entropy] logits (3) must be (n, c) with n >= 1"}},
      .apply = [](const Call& c) -> Outputs { return {cross_entropy(c[0], c[1])}; },
      .reference = [](const Call& c) -> Outputs { return {naive::cross_entropy(c[0], c[1])}; }};
  return info;
}

}  // namespace triptych
