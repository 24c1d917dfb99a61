#include "losses/switch_balance.h"

#include "losses/routing.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
switch_balance: gates (tokens, experts), mask (tokens) optional, allowed (experts) optional  ->  value ()

  forward   w = mask (1 where absent),  n = sum_t w_t,  E = number of allowed experts (all where absent)
            f_e = (1/n) sum_t w_t [e is the first largest gate of t],   P_e = (1/n) sum_t w_t gates_te
            L = E sum_e f_e P_e                                        over the allowed experts
  backward  dgates_te = E f_e w_t / n;   none through f, which is a count
  saves     w and E f / n
  edge      n = 0 (nothing real): L = 0 and no gradient
  source    Fedus, Zoph, Shazeer 2022, arXiv 2101.03961, eq. 4-6; the same number as E^2 mean_e(f_e P_e)
)";

// The allowed expert with the largest gate, the first of equals.
std::int64_t top_choice(const Tensor& gates, std::int64_t t, std::int64_t experts, const Var& allowed) {
  std::int64_t top = -1;
  for (std::int64_t e = 0; e < experts; ++e)
    if (exists(allowed, e) && (top < 0 || gates.at(t * experts + e) > gates.at(t * experts + top))) top = e;
  return top;
}

}  // namespace

Var switch_balance(const Var& gates, const Var& mask, const Var& allowed) {
  require_routing("switch_balance", "gates", gates, mask, allowed);
  const Kernels& k = gates.kernels();
  const DType dtype = gates.dtype();
  const std::int64_t tokens = gates.shape()[0], experts = gates.shape()[1];
  const double n = token_count(gates, mask), scale = n > 0 ? expert_count(gates, allowed) / (n * n) : 0;
  const Tensor weight = mask ? mask.value() : Tensor::full({tokens}, dtype, 1);
  Tensor load = Tensor::zeros({experts}, dtype), mass({experts}, dtype);
  for (std::int64_t t = 0; t < tokens; ++t)
    if (const double w = weight.at(t); w != 0) {
      const std::int64_t e = top_choice(gates.value(), t, experts, allowed);
      load.set(e, load.at(e) + w);
    }
  k.axpby(scale, load.view(), 0, load.view(), experts);
  k.gemm({.m = 1, .n = experts, .k = tokens}, weight.view(), gates.value().view(), mass.view());
  return record("switch_balance", Tensor::scalar(k.dot(load.view(), mass.view(), experts), dtype), {gates},
                [&k, weight, load, tokens, experts](const Tensor& dy) -> Grads {
                  Tensor d({tokens, experts}, dy.dtype());
                  k.gemm({.m = tokens, .n = experts, .k = 1, .alpha = dy.item()}, weight.view(), load.view(), d.view());
                  return {d};
                });
}

const OpInfo& switch_balance_info() {
  static const OpInfo info{
      .name = "switch_balance",
      .formula = formula,
      .inputs = {{"gates", "(tokens, experts)"},
                 {"mask", "(tokens)", Kind::constant, true},
                 {"allowed", "(experts)", Kind::constant, true}},
      .samples = {{"plain", {list({4, 3}, {.5, .4, .1, .3, .25, .45, .1, .2, .7, .8, .15, .05})}},
                  {"padding",
                   {list({4, 3}, {.5, .4, .1, .3, .25, .45, .1, .2, .7, .8, .15, .05}), list({4}, {1, 0, 1, 1})}},
                  {"cluster",
                   {list({3, 4}, {.5, 0, .4, .1, .2, 0, .3, .5, .1, 0, .7, .2}), absent(), list({4}, {1, 0, 1, 1})}},
                  {"one_expert", {list({2, 1}, {.6, .7})}}},
      .errors = {{{"rank", {normal(3)}}, "[switch_balance] gates (3) must be (tokens, experts), one of each at least"},
                 {{"mask", {normal(3, 2), fill(1, {2})}},
                  "[switch_balance] mask (2) must be (tokens), got gates (3, 2)"},
                 {{"allowed", {normal(3, 2), absent(), fill(1, {3})}},
                  "[switch_balance] allowed (3) must be (experts), got gates (3, 2)"},
                 {{"nothing_allowed", {normal(3, 2), absent(), fill(0, {2})}},
                  "[switch_balance] number of allowed experts = 0 must be at least 1"}},
      .apply = [](const Call& c) -> Outputs { return {switch_balance(c[0], c[1], c[2])}; },
      .reference = [](const Call& c) -> Outputs {  // E^2 mean_e(f_e P_e)
        const Tensor& g = c[0].value();
        const std::int64_t tokens = g.shape()[0], experts = g.shape()[1];
        const double n = token_count(c[0], c[1]), count = expert_count(c[0], c[2]);
        double sum = 0;
        for (std::int64_t e = 0; e < experts; ++e) {
          double f = 0, p = 0;
          for (std::int64_t t = 0; t < tokens; ++t) {
            f += (top_choice(g, t, experts, c[2]) == e ? 1 : 0) * weight_of(c[1], t) / n;
            p += weight_of(c[1], t) * g.at(t * experts + e) / n;
          }
          sum += f * p / count;
        }
        return {c.tape.constant(Tensor::scalar(count * count * sum, g.dtype()))};
      }};
  return info;
}

}  // namespace triptych
