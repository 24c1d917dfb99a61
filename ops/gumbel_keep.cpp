#include "ops/gumbel_keep.h"

#include <algorithm>
#include <cmath>

#include "core/require.h"
#include "core/rng.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
gumbel_keep: a = logit (any shape)  ->  y, shape of a

  forward   s = sig((a + e) / tau),   e = log u - log(1 - u), the difference of two Gumbel draws; 0 without noise
            y = 1 if s > 1/2, else 0 (hard);   y = s (soft)
  backward  da = dy s (1 - s) / tau                     hard or soft: a step has no useful derivative, so the soft
                                                        gate's stands in for it (straight-through)
  saves     s
  draws     u from Philox: counter (i / 4, stream), word i mod 4; the same for any thread count and after a resume
  domain    tau > 0.  The hard gate's gradient is not its derivative, so finite differences are taken of the soft gate
            alone; that both give the same gradient is a test of its own
  source    Jang, Gu, Poole 2017, arXiv 1611.01144, eq. 2; two choices, as keep and drop in Fan et al. 2024 (AdaSlot),
            arXiv 2406.09196
)";

// log u - log(1 - u) for every entry.
Tensor draw_logistic(const Shape& shape, DType dtype, std::uint64_t seed, std::uint64_t stream) {
  Tensor noise(shape, dtype);
  const auto low = [](std::uint64_t x) { return static_cast<std::uint32_t>(x); };
  for (std::int64_t i = 0; i < noise.size(); i += 4) {
    const auto block = static_cast<std::uint64_t>(i / 4);
    const auto words =
        philox({low(block), low(block >> 32), low(stream), low(stream >> 32)}, {low(seed), low(seed >> 32)});
    for (std::int64_t j = i; j < std::min(i + 4, noise.size()); ++j) {
      const double u = (words[static_cast<std::size_t>(j - i)] + 0.5) / 4294967296.0;  // neither 0 nor 1
      noise.set(j, std::log(u) - std::log1p(-u));
    }
  }
  return noise;
}

Tensor threshold(const Tensor& s) {
  Tensor y(s.shape(), s.dtype());
  for (std::int64_t i = 0; i < y.size(); ++i) y.set(i, std::isnan(s.at(i)) ? s.at(i) : s.at(i) > 0.5 ? 1 : 0);
  return y;
}

}  // namespace

Var gumbel_keep(const Var& logit, const GumbelKeep& o) {
  require(o.tau > 0, "gumbel_keep", "tau", o.tau, "greater than 0");
  const Kernels& k = logit.kernels();
  Tensor s = o.noise ? draw_logistic(logit.shape(), logit.dtype(), o.seed, o.stream)
                     : Tensor::zeros(logit.shape(), logit.dtype());
  k.axpby(1 / o.tau, logit.value().view(), 1 / o.tau, s.view(), s.size());
  k.unary(Unary::sigmoid, s.view(), s.view(), s.size());
  return record("gumbel_keep", o.hard ? threshold(s) : s, {logit}, [&k, s, tau = o.tau](const Tensor& dy) -> Grads {
    Tensor da(dy.shape(), dy.dtype());
    k.unary_backward(Unary::sigmoid, s.view(), s.view(), dy.view(), da.view(), da.size());
    k.axpby(1 / tau, da.view(), 0, da.view(), da.size());
    return {da};
  });
}

const OpInfo& gumbel_keep_info() {
  static const OpInfo info{
      .name = "gumbel_keep",
      .formula = formula,
      .inputs = {{"logit", "(...)"}},
      .params = {{"tau", 1.0, "temperature of the soft gate"},
                 {"noise", true, "off at evaluation"},
                 {"hard", true, "0 or 1; off: the soft gate"},
                 {"seed", 0.0, "of the run"},
                 {"stream", 0.0, "of this call"}},
      // Soft all of them: see domain.
      .samples = {{"noisy", {normal(3, 5)}, {{"hard", false}, {"tau", 0.7}}},
                  {"other_draws", {normal(7)}, {{"hard", false}, {"seed", 3.0}, {"stream", 2.0}}},
                  {"evaluation", {2 * normal(6)}, {{"hard", false}, {"noise", false}}}},
      .errors = {{{"tau", {normal(3)}, {{"tau", 0.0}}}, "[gumbel_keep] tau = 0 must be greater than 0"},
                 {{"stream", {normal(3)}, {{"stream", 0.5}}},
                  "[gumbel_keep] stream = 0.5 must be a whole number from 0 to 9007199254740992"}},
      .apply = [](const Call& c) -> Outputs {
        return {gumbel_keep(c[0], {.tau = c.number("tau"),
                                   .noise = c.flag("noise"),
                                   .hard = c.flag("hard"),
                                   .seed = static_cast<std::uint64_t>(c.integer("seed")),
                                   .stream = static_cast<std::uint64_t>(c.integer("stream"))})};
      }};
  return info;
}

}  // namespace triptych
