#include "losses/router_z_loss.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "losses/routing.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
router_z_loss: logits l (tokens, experts), mask (tokens) optional, allowed (experts) optional  ->  value ()

  forward   z_t = ln sum_e e^{l_te} over the allowed experts;   L = (1/n) sum_t w_t z_t^2,  w = mask,  n = sum_t w_t
  backward  dl_te = 2 w_t z_t p_te / n,   p_t = softmax(l_t)
  saves     2 w z p / n
  stable    the largest logit is taken out of the sum
  edge      n = 0 (nothing real): L = 0 and no gradient
  source    Zoph et al. 2022, arXiv 2202.08906, eq. 5
)";

}  // namespace

Var router_z_loss(const Var& logits, const Var& mask, const Var& allowed) {
  require_routing("router_z_loss", "logits", logits, mask, allowed);
  const Tensor& l = logits.value();
  const std::int64_t tokens = l.shape()[0], experts = l.shape()[1];
  const double n = token_count(logits, mask);
  Tensor slope = Tensor::zeros(l.shape(), l.dtype());
  double total = 0;
  for (std::int64_t t = 0; t < tokens; ++t) {
    const double w = weight_of(mask, t);
    if (w == 0) continue;
    double top = -std::numeric_limits<double>::infinity(), sum = 0;
    for (std::int64_t e = 0; e < experts; ++e)
      if (exists(allowed, e)) top = std::max(top, l.at(t * experts + e));
    for (std::int64_t e = 0; e < experts; ++e)
      if (exists(allowed, e)) sum += std::exp(l.at(t * experts + e) - top);
    const double z = top + std::log(sum);
    total += w * z * z / n;
    for (std::int64_t e = 0; e < experts; ++e)
      if (exists(allowed, e)) slope.set(t * experts + e, 2 * w * z * std::exp(l.at(t * experts + e) - z) / n);
  }
  return record("router_z_loss", Tensor::scalar(total, l.dtype()), {logits},
                [&k = logits.kernels(), slope](const Tensor& dy) -> Grads {
                  Tensor dl(slope.shape(), slope.dtype());
                  k.axpby(dy.item(), slope.view(), 0, dl.view(), dl.size());
                  return {dl};
                });
}

const OpInfo& router_z_loss_info() {
  static const OpInfo info{
      .name = "router_z_loss",
      .formula = formula,
      .inputs = {{"logits", "(tokens, experts)"},
                 {"mask", "(tokens)", Kind::constant, true},
                 {"allowed", "(experts)", Kind::constant, true}},
      .samples = {{"plain", {normal(4, 3)}},
                  {"padding", {normal(4, 3), list({4}, {1, 0, 1, 1})}},
                  {"cluster", {normal(3, 4), absent(), list({4}, {1, 0, 1, 1})}},
                  {"large", {50 + 3 * normal(2, 3)}}},
      .errors = {{{"rank", {normal(3)}}, "[router_z_loss] logits (3) must be (tokens, experts), one of each at least"},
                 {{"mask", {normal(3, 2), fill(1, {2})}},
                  "[router_z_loss] mask (2) must be (tokens), got logits (3, 2)"}},
      .apply = [](const Call& c) -> Outputs { return {router_z_loss(c[0], c[1], c[2])}; },
      .reference = [](const Call& c) -> Outputs {  // ln sum e^l = l_0 - ln p_0 for the first allowed expert
        const Var p = router_probabilities(c[0], c[1], c[2]);
        const std::int64_t experts = p.shape()[1];
        std::int64_t first = 0;
        while (!exists(c[2], first)) ++first;
        double sum = 0;
        for (std::int64_t t = 0; t < p.shape()[0]; ++t) {
          if (weight_of(c[1], t) == 0) continue;
          const std::int64_t at = t * experts + first;
          const double z = c[0].value().at(at) - std::log(p.value().at(at));
          sum += weight_of(c[1], t) * z * z;
        }
        return {c.tape.constant(Tensor::scalar(sum / token_count(c[0], c[1]), p.dtype()))};
      }};
  return info;
}

}  // namespace triptych
