#include "losses/load_loss.h"

#include <cmath>
#include <numbers>

#include "backends/mutant.h"
#include "core/require.h"
#include "losses/routing.h"
#include "ops/scale.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
load_loss: logits l (tokens, experts), noise (tokens, experts) a constant, mask (tokens) optional,
           allowed (experts) optional  ->  value (), p_mean (experts)

  forward   h_t = k-th largest of (l + noise)_t,   z_te = (h_t - l_te) / noise_std,   p_te = 1 - Phi(z_te):
            the probability that fresh noise on expert e alone makes it one of the k
            p_mean_e = sum_t w_t p_te / sum_t w_t,  w = mask;   value = var(p_mean) / mean(p_mean)^2 over allowed experts
  backward  with  s_te = dp_te phi(z_te) / noise_std:   dl_te = s_te,   and dl_tc = - sum_e s_te more for the expert c
            that is k-th, since the threshold is its logit; which one that is counts as a constant
  saves     phi(z) / noise_std, c
  stable    the tail is erfc(z / sqrt 2) / 2, exact where it is small
  kinks     where two noisy logits change places
  source    Riquelme et al. 2021, arXiv 2106.05974, appendix A; Shazeer et al. 2017, arXiv 1701.06538, eq. 8-10
)";

// The k-th largest allowed noisy logit of token t; of equals the first counts as the larger.
std::int64_t kth(const Tensor& logits, const Tensor& noise, std::int64_t t, int k, const Var& allowed) {
  const std::int64_t experts = logits.shape()[1];
  const auto noisy = [&](std::int64_t e) { return logits.at(t * experts + e) + noise.at(t * experts + e); };
  for (std::int64_t c = 0; c < experts; ++c) {
    if (!exists(allowed, c)) continue;
    int above = 0;
    for (std::int64_t e = 0; e < experts; ++e)
      above += exists(allowed, e) && (noisy(e) > noisy(c) || (noisy(e) == noisy(c) && e < c));
    if (above == k - 1) return c;
  }
  return 0;  // only where logits are NaN
}

Var chosen_probability(const Var& logits, const Var& noise, double noise_std, int k, const Var& mask,
                       const Var& allowed) {
  const Tensor& l = logits.value();
  const std::int64_t tokens = l.shape()[0], experts = l.shape()[1];
  Tensor p = Tensor::zeros(l.shape(), l.dtype()), slope = p.clone(), threshold = Tensor::zeros({tokens}, DType::i32);
  for (std::int64_t t = 0; t < tokens; ++t) {
    if (weight_of(mask, t) == 0) continue;
    const std::int64_t c = kth(l, noise.value(), t, k, allowed);
    threshold.set(t, static_cast<double>(c));
    for (std::int64_t e = 0; e < experts; ++e) {
      if (!exists(allowed, e)) continue;
      const std::int64_t at = t * experts + e;
      const double z = (l.at(t * experts + c) + noise.value().at(t * experts + c) - l.at(at)) / noise_std;
      p.set(at, 0.5 * std::erfc(z / std::numbers::sqrt2));
      slope.set(at, std::exp(-0.5 * z * z) / std::sqrt(2 * std::numbers::pi) / noise_std);
    }
  }
  return record("load_loss", p, {logits}, [slope, threshold, tokens, experts](const Tensor& dp) -> Grads {
    Tensor dl(slope.shape(), slope.dtype());
    for (std::int64_t t = 0; t < tokens; ++t) {
      double sum = 0;
      for (std::int64_t at = t * experts; at < (t + 1) * experts; ++at) {
        dl.set(at, dp.at(at) * slope.at(at));
        sum += dp.at(at) * slope.at(at);
      }
      const auto at = t * experts + static_cast<std::int64_t>(threshold.at(t));
      dl.set(at, dl.at(at) - TRIPTYCH_TERM("load_loss.threshold", sum));
    }
    return {dl};
  });
}

}  // namespace

LoadLoss load_loss(const Var& logits, const Var& noise, double noise_std, int k, const Var& mask, const Var& allowed) {
  require_routing("load_loss", "logits", logits, mask, allowed);
  require(noise.shape() == logits.shape(), "load_loss", "noise", noise, "of the shape of logits", "logits", logits);
  require_constant("load_loss", "noise", noise);
  require(noise_std > 0, "load_loss", "noise_std", noise_std, "> 0: without noise there is no expected load");
  require(k >= 1 && k <= expert_count(logits, allowed), "load_loss", "k", k, "in [1, number of allowed experts]");
  const double n = token_count(logits, mask);
  const Var p = chosen_probability(logits, noise, noise_std, k, mask, allowed);
  const Var mean = scale(sum_over_tokens(p, mask), n > 0 ? 1 / n : 0);
  return {squared_variation(mean, allowed), mean};
}

const OpInfo& load_loss_info() {
  static const OpInfo info{
      .name = "load_loss",
      .formula = formula,
      .inputs = {{"logits", "(tokens, experts)"},
                 {"noise", "(tokens, experts)", Kind::constant},
                 {"mask", "(tokens)", Kind::constant, true},
                 {"allowed", "(experts)", Kind::constant, true}},
      .params = {{"noise_std", 1.0, "standard deviation of the noise"}, {"k", 1.0, "experts a token is sent to"}},
      .samples = {{"top_1", {list({3, 3}, {.9, .1, -.4, .2, .7, -.3, -.5, .1, .6}), 0.02 * normal(3, 3)}},
                  {"top_2",
                   {list({3, 3}, {.9, .1, -.4, .2, .7, -.3, -.5, .1, .6}), 0.02 * normal(3, 3)},
                   {{"k", 2.0}, {"noise_std", 0.5}}},
                  {"padding",
                   {list({3, 3}, {.9, .1, -.4, .2, .7, -.3, -.5, .1, .6}), 0.02 * normal(3, 3), list({3}, {1, 0, 1})},
                   {{"noise_std", 0.5}}},
                  {"cluster",
                   {list({2, 4}, {.9, 2, .1, -.4, .2, -1, .7, -.3}), 0.02 * normal(2, 4), absent(),
                    list({4}, {1, 0, 1, 1})},
                   {{"k", 3.0}, {"noise_std", 0.7}}}},
      .errors = {{{"noise", {normal(3, 2), normal(2, 3)}},
                  "[load_loss] noise (2, 3) must be of the shape of logits, got logits (3, 2)"},
                 {{"noise_std", {normal(3, 2), normal(3, 2)}, {{"noise_std", 0.0}}},
                  "[load_loss] noise_std = 0 must be > 0: without noise there is no expected load"},
                 {{"k", {normal(3, 2), normal(3, 2)}, {{"k", 3.0}}},
                  "[load_loss] k = 3 must be in [1, number of allowed experts]"}},
      .apply = [](const Call& c) -> Outputs {
        const LoadLoss l =
            load_loss(c[0], c[1], c.number("noise_std"), static_cast<int>(c.integer("k", 0, 65536)), c[2], c[3]);
        return {l.value, l.p_mean};
      },
      .outputs = {"value", "p_mean"}};
  return info;
}

}  // namespace triptych
