#include "losses/importance_loss.h"

#include "losses/routing.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
importance_loss: gates (tokens, experts), mask (tokens) optional, allowed (experts) optional  ->  value ()

  forward   I_e = sum_t w_t gates_te,  w = mask (1 where absent);   m = mean_e I,  V = mean_e (I - m)^2;   L = V / m^2
                                                                       over the E allowed experts (all where absent)
  backward  dI_e = 2 / (E m^2) (I_e - m - V / m);   dgates_te = w_t dI_e
  saves     dI
  stable    V / m^2 and not (std / m)^2, whose derivative is 0/0 where the router is balanced
  edge      nothing real (m = 0): L = 0 and no gradient
  source    Shazeer et al. 2017, arXiv 1701.06538, eq. 6-7; Riquelme et al. 2021, arXiv 2106.05974, appendix A
)";

}  // namespace

Var importance_loss(const Var& gates, const Var& mask, const Var& allowed) {
  require_routing("importance_loss", "gates", gates, mask, allowed);
  return squared_variation(sum_over_tokens(gates, mask), allowed);
}

const OpInfo& importance_loss_info() {
  static const OpInfo info{
      .name = "importance_loss",
      .formula = formula,
      .inputs = {{"gates", "(tokens, experts)"},
                 {"mask", "(tokens)", Kind::constant, true},
                 {"allowed", "(experts)", Kind::constant, true}},
      .samples = {{"plain", {uniform(0, 1, {4, 3})}},
                  {"padding", {uniform(0, 1, {4, 3}), list({4}, {1, 0, 1, 1})}},
                  {"cluster", {uniform(0, 1, {3, 4}), absent(), list({4}, {1, 0, 1, 1})}},
                  {"one_token", {uniform(0, 1, {1, 3})}}},
      .errors = {{{"rank", {normal(3)}}, "[importance_loss] gates (3) must be (tokens, experts), one of each at least"},
                 {{"mask", {normal(3, 2), fill(1, {2})}},
                  "[importance_loss] mask (2) must be (tokens), got gates (3, 2)"}},
      .apply = [](const Call& c) -> Outputs { return {importance_loss(c[0], c[1], c[2])}; },
      .reference = [](const Call& c) -> Outputs {  // E sum_e I_e^2 / (sum_e I_e)^2 - 1
        const Tensor& g = c[0].value();
        double sum = 0, squares = 0;
        for (std::int64_t e = 0; e < g.shape()[1]; ++e) {
          double importance = 0;
          for (std::int64_t t = 0; t < g.shape()[0] && exists(c[2], e); ++t)
            importance += weight_of(c[1], t) * g.at(t * g.shape()[1] + e);
          sum += importance;
          squares += importance * importance;
        }
        return {c.tape.constant(Tensor::scalar(expert_count(c[0], c[2]) * squares / (sum * sum) - 1, g.dtype()))};
      }};
  return info;
}

}  // namespace triptych
