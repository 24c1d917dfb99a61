#include "losses/routing.h"

#include <cmath>

#include "backends/mutant.h"
#include "core/require.h"
#include "ops/matmul.h"
#include "ops/reshape.h"
#include "ops/softmax.h"
#include "ops/sum_rows.h"

namespace triptych {

void require_routing(std::string_view loss, std::string_view name, const Var& x, const Var& mask, const Var& allowed) {
  require(x.shape().rank() == 2 && x.value().size() > 0, loss, name, x, "(tokens, experts), one of each at least");
  if (mask) {
    require(mask.shape() == Shape{x.shape()[0]}, loss, "mask", mask, "(tokens)", name, x);
    require_constant(loss, "mask", mask);
  }
  if (allowed) {
    require(allowed.shape() == Shape{x.shape()[1]}, loss, "allowed", allowed, "(experts)", name, x);
    require_constant(loss, "allowed", allowed);
    require(expert_count(x, allowed) > 0, loss, "number of allowed experts", 0, "at least 1");
  }
}

double token_count(const Var& x, const Var& mask) {
  double n = 0;
  for (std::int64_t t = 0; t < x.shape()[0]; ++t) n += weight_of(mask, t);
  return n;
}

double expert_count(const Var& x, const Var& allowed) {
  double n = 0;
  for (std::int64_t e = 0; e < x.shape()[1]; ++e) n += exists(allowed, e);
  return n;
}

Var router_probabilities(const Var& logits, const Var& mask, const Var& allowed) {
  if (!mask && !allowed) return softmax(logits, {});
  const std::int64_t tokens = logits.shape()[0], experts = logits.shape()[1];
  Tensor real(logits.shape(), logits.dtype());
  for (std::int64_t t = 0; t < tokens; ++t)
    for (std::int64_t e = 0; e < experts; ++e)
      real.set(t * experts + e, weight_of(mask, t) != 0 && exists(allowed, e) ? 1 : 0);
  return softmax(logits, logits.tape().constant(real));
}

Var sum_over_tokens(const Var& x, const Var& mask) {
  if (!mask) return sum_rows(x);
  return reshape(matmul(reshape(mask, {1, x.shape()[0]}), x), {x.shape()[1]});
}

Var squared_variation(const Var& x, const Var& allowed) {
  const std::int64_t experts = x.shape()[0];
  double n = 0, mean = 0, variance = 0;
  for (std::int64_t e = 0; e < experts; ++e)
    if (exists(allowed, e)) n += 1, mean += x.value().at(e);
  mean /= n;
  for (std::int64_t e = 0; e < experts; ++e)
    if (exists(allowed, e)) variance += (x.value().at(e) - mean) * (x.value().at(e) - mean) / n;
  Tensor slope = Tensor::zeros(x.shape(), x.dtype());
  for (std::int64_t e = 0; e < experts && mean != 0; ++e)
    if (exists(allowed, e))
      slope.set(e, 2 / (n * mean * mean) *
                       (x.value().at(e) - mean - TRIPTYCH_TERM("squared_variation.mean", variance / mean)));
  return record("squared_variation", Tensor::scalar(mean != 0 ? variance / (mean * mean) : 0, x.dtype()), {x},
                [&k = x.kernels(), slope](const Tensor& dy) -> Grads {
                  Tensor dx(slope.shape(), slope.dtype());
                  k.axpby(dy.item(), slope.view(), 0, dx.view(), dx.size());
                  return {dx};
                });
}

Var entropy(const Var& p) {
  const std::int64_t rows = p.shape()[0], experts = p.shape()[1];
  Tensor h({rows}, p.dtype());
  for (std::int64_t t = 0; t < rows; ++t) {
    double sum = 0;
    for (std::int64_t e = 0; e < experts; ++e)
      if (const double q = p.value().at(t * experts + e); q != 0) sum -= q * std::log(q);
    h.set(t, sum);
  }
  return record("entropy", h, {p}, [p = p.value(), rows, experts](const Tensor& dy) -> Grads {
    Tensor dp = Tensor::zeros(p.shape(), p.dtype());
    for (std::int64_t i = 0; i < rows * experts; ++i)
      if (p.at(i) != 0) dp.set(i, -dy.at(i / experts) * (std::log(p.at(i)) + 1));
    return {dp};
  });
}

}  // namespace triptych
