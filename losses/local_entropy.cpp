#include "losses/local_entropy.h"

#include <cmath>

#include "losses/routing.h"
#include "ops/mul.h"
#include "ops/scale.h"
#include "ops/sum.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
local_entropy: logits l (tokens, experts), mask (tokens) optional, allowed (experts) optional  ->  value ()

  forward   p_t = softmax(l_t) over the allowed experts,   H_t = -sum_e p_te ln p_te
            L = (1/n) sum_t w_t H_t,  w = mask (1 where absent),  n = sum_t w_t
  backward  dl_te = -(w_t / n) p_te (ln p_te + H_t)
  saves     p
  stable    p = 0 adds 0 and receives no gradient
  edge      n = 0 (nothing real): L = 0 and no gradient
  source    Mustafa et al. 2022, arXiv 2206.02770, eq. 2
)";

}  // namespace

Var local_entropy(const Var& logits, const Var& mask, const Var& allowed) {
  require_routing("local_entropy", "logits", logits, mask, allowed);
  const double n = token_count(logits, mask);
  const Var h = entropy(router_probabilities(logits, mask, allowed));
  return scale(sum(mask ? mul(h, mask) : h), n > 0 ? 1 / n : 0);
}

const OpInfo& local_entropy_info() {
  static const OpInfo info{
      .name = "local_entropy",
      .formula = formula,
      .inputs = {{"logits", "(tokens, experts)"},
                 {"mask", "(tokens)", Kind::constant, true},
                 {"allowed", "(experts)", Kind::constant, true}},
      .samples = {{"plain", {normal(4, 3)}},
                  {"padding", {normal(4, 3), list({4}, {1, 0, 1, 1})}},
                  {"cluster", {normal(3, 4), absent(), list({4}, {1, 0, 1, 1})}},
                  {"weights", {normal(3, 2), list({3}, {1, 0.5, 2})}}},
      .errors = {{{"rank", {normal(3)}}, "[local_entropy] logits (3) must be (tokens, experts), one of each at least"},
                 {{"mask", {normal(3, 2), fill(1, {2})}},
                  "[local_entropy] mask (2) must be (tokens), got logits (3, 2)"}},
      .apply = [](const Call& c) -> Outputs { return {local_entropy(c[0], c[1], c[2])}; },
      .reference = [](const Call& c) -> Outputs {  // H = ln sum e^l - sum p l
        const Tensor& l = c[0].value();
        const std::int64_t experts = l.shape()[1];
        double sum = 0;
        for (std::int64_t t = 0; t < l.shape()[0]; ++t) {
          double total = 0, mean = 0;
          for (std::int64_t e = 0; e < experts; ++e)
            if (exists(c[2], e)) total += std::exp(l.at(t * experts + e));
          for (std::int64_t e = 0; e < experts; ++e)
            if (exists(c[2], e)) mean += std::exp(l.at(t * experts + e)) / total * l.at(t * experts + e);
          sum += weight_of(c[1], t) * (std::log(total) - mean);
        }
        return {c.tape.constant(Tensor::scalar(sum / token_count(c[0], c[1]), l.dtype()))};
      }};
  return info;
}

}  // namespace triptych
