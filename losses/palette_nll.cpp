#include "losses/palette_nll.h"

#include <cmath>

#include "core/require.h"
#include "ops/add.h"
#include "ops/concat.h"
#include "ops/log_softmax.h"
#include "ops/matmul.h"
#include "ops/mean.h"
#include "ops/reshape.h"
#include "ops/scale.h"
#include "ops/scale_rows.h"
#include "ops/slice.h"
#include "ops/square.h"
#include "ops/sub.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
palette_nll: x1 (n, L, D), t (n) constant, free (n, L, D), logits (n, L, K+1), colours (n, K, D)  ->  value ()

  forward   L = mean over pixels of -log( r_0 (s / s_0)^D e^(-|x1 - free|^2 / 2 s_0^2) + sum_k r_k e^(-|x1 - c_k|^2 / 2 s^2) )
            r = softmax(logits),   s = spread,   s_0 = s + (1 - t) / 2
  backward  with q_k each summand's share of the sum and N pixels: dlogits = (r - q) / N;
            dfree = q_0 (free - x1) / (s_0^2 N);   dc_k = sum over pixels of q_k (c_k - x1) / (s^2 N);
            dx1 = (q_0 (x1 - free) / s_0^2 + sum_k q_k (x1 - c_k) / s^2) / N
  saves     what log_softmax and matmul save
  edge      without the density's constant D log(s sqrt(2 pi)), so L >= 0: 0 for pixels that have the colour they are
            certain to have; a free pixel costs at least D log(s_0 / s), the less the later: as long as little is known, a
            colour is the better answer
  limits    |x1 - c|^2 is expanded: rounding of some 1e-7 |x1|^2 / s^2 a pixel in single precision, and of as much of
            |x1 - free|^2 / 2 s_0^2 where the free pixel is far off
  source    Zhang, Isola, Efros 2016, arXiv 1603.08511 (colours are classes); Chen et al. 2025, arXiv 2504.05304 (the
            likelihood of a mixture as a flow's loss). s_0: a free pixel is known the better the later
)";

// |x|^2 / 2 of every row: (n,m,D) -> (n,m,1).
Var half_squares(const Var& x) {
  const Shape& s = x.shape();
  const Var halves = x.tape().constant(Tensor::full({s[2], 1}, x.dtype(), 0.5));
  return reshape(matmul(reshape(square(x), {s[0] * s[1], s[2]}), halves), {s[0], s[1], 1});
}

// -|a_i - b_j|^2 / 2: (n,m,D), (n,k,D) -> (n,m,k), as one product.
Var nearness(const Var& a, const Var& b) {
  const auto all = [](const Var& x, double value) {
    return x.tape().constant(Tensor::full({x.shape()[0], x.shape()[1], 1}, x.dtype(), value));
  };
  const Var left[] = {a, half_squares(a), all(a, -1)}, right[] = {b, all(b, -1), half_squares(b)};
  return matmul(concat(left, 2), concat(right, 2), false, true);
}

}  // namespace

Var palette_nll(const Var& x1, const Var& t, const Var& free, const Var& logits, const Var& colours, double spread) {
  constexpr std::string_view op = "palette_nll";
  require(x1.shape().rank() == 3 && x1.value().size() > 0, op, "x1", x1, "(n, L, D), not empty");
  const std::int64_t n = x1.shape()[0], pixels = x1.shape()[1], d = x1.shape()[2];
  require(t.shape() == Shape{n}, op, "t", t, "(n)", "x1", x1);
  require_constant(op, "t", t);
  require(free.shape() == x1.shape(), op, "free", free, "of the shape of x1", "x1", x1);
  require(colours.shape().rank() == 3 && colours.shape()[0] == n && colours.shape()[1] > 0 && colours.shape()[2] == d,
          op, "colours", colours, "(n, K, D)", "x1", x1);
  require(logits.shape() == Shape{n, pixels, colours.shape()[1] + 1}, op, "logits", logits, "(n, L, K+1)", "colours",
          colours);
  require(spread > 0, op, "spread", spread, "greater than 0");

  Tensor narrow({n, pixels}, x1.dtype()), constant({n, pixels, 1}, x1.dtype());
  for (std::int64_t i = 0; i < n; ++i) {
    const double at = t.value().at(i), wide = spread + (1 - at) / 2;
    require(at >= 0 && at <= 1, op, "t", at, "in [0, 1]");
    const double density = static_cast<double>(d) * std::log(spread / wide);
    for (std::int64_t p = i * pixels; p < (i + 1) * pixels; ++p) {
      narrow.set(p, -1 / (wide * wide));
      constant.set(p, density);
    }
  }
  Tape& tape = x1.tape();
  const Var of_free = add(scale_rows(half_squares(sub(x1, free)), tape.constant(narrow)), tape.constant(constant));
  const Var likelihoods[] = {of_free, scale(nearness(x1, colours), 1 / (spread * spread))};
  const Var a = add(log_softmax(logits), concat(likelihoods, 2));
  return mean(sub(slice(log_softmax(a), 2, 0, 1), slice(a, 2, 0, 1)));  // -log sum e^a = log_softmax(a)_0 - a_0
}

const OpInfo& palette_nll_info() {
  static const OpInfo info{
      .name = "palette_nll",
      .formula = formula,
      .inputs = {{"x1", "(n, L, D)"},
                 {"t", "(n)", Kind::constant},
                 {"free", "(n, L, D)"},
                 {"logits", "(n, L, K+1)"},
                 {"colours", "(n, K, D)"}},
      .params = {{"spread", 0.1, "how far a pixel of a colour may be from it (standard deviation)"}},
      .samples = {{"pictures",
                   {normal(2, 3, 2), uniform(0, 1, {2}), normal(2, 3, 2), normal(2, 3, 5), normal(2, 4, 2)},
                   {{"spread", 0.5}}},
                  {"grey",
                   {normal(1, 4, 1), uniform(0, 1, {1}), normal(1, 4, 1), normal(1, 4, 3), normal(1, 2, 1)},
                   {{"spread", 1.0}}},
                  {"narrow",
                   {uniform(-0.2, 0.2, {1, 3, 3}), list({1}, {0.9}), uniform(0.2, 0.5, {1, 3, 3}), normal(1, 3, 3),
                    uniform(-0.2, 0.2, {1, 2, 3})},
                   {{"spread", 0.2}}}},
      .errors = {{{"free", {normal(2, 3, 2), normal(2), normal(2, 3, 1), normal(2, 3, 5), normal(2, 4, 2)}},
                  "[palette_nll] free (2, 3, 1) must be of the shape of x1, got x1 (2, 3, 2)"},
                 {{"colours", {normal(2, 3, 2), normal(2), normal(2, 3, 2), normal(2, 3, 5), normal(4, 2)}},
                  "[palette_nll] colours (4, 2) must be (n, K, D), got x1 (2, 3, 2)"},
                 {{"logits", {normal(2, 3, 2), normal(2), normal(2, 3, 2), normal(2, 3, 4), normal(2, 4, 2)}},
                  "[palette_nll] logits (2, 3, 4) must be (n, L, K+1), got colours (2, 4, 2)"},
                 {{"spread",
                   {normal(1, 1, 1), normal(1), normal(1, 1, 1), normal(1, 1, 2), normal(1, 1, 1)},
                   {{"spread", 0.0}}},
                  "[palette_nll] spread = 0 must be greater than 0"},
                 {{"time", {normal(1, 1, 1), list({1}, {1.5}), normal(1, 1, 1), normal(1, 1, 2), normal(1, 1, 1)}},
                  "[palette_nll] t = 1.5 must be in [0, 1]"}},
      .apply = [](const Call& c) -> Outputs {
        return {palette_nll(c[0], c[1], c[2], c[3], c[4], c.number("spread"))};
      }};
  return info;
}

}  // namespace triptych
