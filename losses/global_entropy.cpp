#include "losses/global_entropy.h"

#include <cmath>

#include "losses/routing.h"
#include "ops/add.h"
#include "ops/relu.h"
#include "ops/reshape.h"
#include "ops/scale.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
global_entropy: logits l (tokens, experts), mask (tokens) optional, allowed (experts) optional  ->  value ()

  forward   p_t = softmax(l_t) over the allowed experts,   q = (1/n) sum_t w_t p_t,  w = mask (1 where absent),
            n = sum_t w_t,   H = -sum_e q_e ln q_e;   L = -H,  with a threshold L = max(0, tau - H)
  backward  dq_e = ln q_e + 1 (0 where tau < H);   dl_te = (w_t / n) p_te (dq_e - sum_c p_tc dq_c)
  saves     p, q
  stable    q = 0 adds 0 and receives no gradient
  kinks     H = tau
  edge      n = 0 (nothing real): H = 0 and no gradient
  source    Mustafa et al. 2022, arXiv 2206.02770, eq. 3; minimising L must raise H, some copies have the sign wrong
)";

}  // namespace

Var global_entropy(const Var& logits, double tau, const Var& mask, const Var& allowed) {
  require_routing("global_entropy", "logits", logits, mask, allowed);
  const double n = token_count(logits, mask);
  const Var p = router_probabilities(logits, mask, allowed);
  const Var q = scale(sum_over_tokens(p, mask), n > 0 ? 1 / n : 0);
  const Var minus_h = scale(reshape(entropy(reshape(q, {1, p.shape()[1]})), {}), -1);
  return tau < 0 ? minus_h : relu(add(minus_h, logits.tape().constant(Tensor::scalar(tau, logits.dtype()))));
}

const OpInfo& global_entropy_info() {
  static const OpInfo info{
      .name = "global_entropy",
      .formula = formula,
      .inputs = {{"logits", "(tokens, experts)"},
                 {"mask", "(tokens)", Kind::constant, true},
                 {"allowed", "(experts)", Kind::constant, true}},
      .params = {{"tau", -1.0, "threshold in nats, the entropy asked for; negative: none"}},
      .samples = {{"plain", {normal(4, 3)}},
                  {"threshold", {normal(4, 3)}, {{"tau", 1.3}}},
                  {"padding", {normal(4, 3), list({4}, {1, 0, 1, 1})}},
                  {"cluster", {normal(3, 4), absent(), list({4}, {1, 0, 1, 1})}, {{"tau", 1.2}}}},
      .errors = {{{"rank", {normal(3)}}, "[global_entropy] logits (3) must be (tokens, experts), one of each at least"},
                 {{"allowed", {normal(3, 2), absent(), fill(1, {3})}},
                  "[global_entropy] allowed (3) must be (experts), got logits (3, 2)"}},
      .apply = [](const Call& c) -> Outputs { return {global_entropy(c[0], c.number("tau"), c[1], c[2])}; },
      .reference = [](const Call& c) -> Outputs {
        const Tensor& l = c[0].value();
        const std::int64_t experts = l.shape()[1];
        std::vector<double> q(static_cast<std::size_t>(experts));
        const double n = token_count(c[0], c[1]), tau = c.number("tau");
        for (std::int64_t t = 0; t < l.shape()[0]; ++t) {
          double total = 0;
          for (std::int64_t e = 0; e < experts; ++e)
            if (exists(c[2], e)) total += std::exp(l.at(t * experts + e));
          for (std::int64_t e = 0; e < experts; ++e)
            if (exists(c[2], e))
              q[static_cast<std::size_t>(e)] += weight_of(c[1], t) / n * std::exp(l.at(t * experts + e)) / total;
        }
        double h = 0;
        for (const double x : q) h -= x > 0 ? x * std::log(x) : 0;
        return {c.tape.constant(Tensor::scalar(tau < 0 ? -h : std::max(0.0, tau - h), l.dtype()))};
      }};
  return info;
}

}  // namespace triptych
