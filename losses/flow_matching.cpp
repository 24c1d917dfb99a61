#include "losses/flow_matching.h"

#include <utility>

#include "core/require.h"
#include "losses/flow_path.h"
#include "losses/mse.h"
#include "losses/palette_nll.h"
#include "ops/add.h"
#include "ops/reshape.h"
#include "ops/scale.h"
#include "ops/sub.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
flow_matching: x0 (n, ...), x1 like x0, t (n) or (n, 1), constant, velocity like x0;
               of pixels with a palette also free, logits, colours as palette_nll takes them  ->  value ()

  forward   L = mean over all elements of (velocity - (x1 - x0))^2          velocity: the model's answer at (x_t, t)
              + palette palette_nll(x1, t, free, logits, colours)           where they are given
  backward  dvelocity = 2 (velocity - (x1 - x0)) / N = dx0 = -dx1,  N elements; palette_nll's on top
  saves     velocity - (x1 - x0), what palette_nll saves
  limits    t says where the velocity was asked for; it enters the value through palette_nll alone. The least expected
            square is not 0: for x0 ~ N(0, I), x1 ~ N(mu, s^2 I) and uniform t it is s pi / 2 per element
  source    Lipman et al. 2023, arXiv 2210.02747, eq. 23 with sigma_min = 0; Liu, Gong, Liu 2023, arXiv 2209.03003, eq. 1
)";

}  // namespace

Var flow_matching(const Var& x0, const Var& x1, const Var& t, const Var& velocity, const Var& free, const Var& logits,
                  const Var& colours, double palette) {
  constexpr std::string_view op = "flow_matching";
  require_path(op, x0, x1, t);
  require(velocity.shape() == x0.shape(), op, "velocity", velocity, "of the shape of x0", "x0", x0);
  require(palette >= 0, op, "palette", palette, "at least 0");
  const bool whole = free && logits && colours;
  for (const auto& [name, part] : {std::pair{"free", free}, {"logits", logits}, {"colours", colours}})
    require(whole || !part, op, name, part, "given with the rest of free, logits and colours, or not at all");
  const Var square = mse(velocity, sub(x1, x0));
  if (!whole || palette == 0) return square;
  return add(square, scale(palette_nll(x1, reshape(t, {t.shape()[0]}), free, logits, colours), palette));
}

const OpInfo& flow_matching_info() {
  static const OpInfo info{
      .name = "flow_matching",
      .formula = formula,
      .inputs = {{"x0", "(n, ...)"},
                 {"x1", "(n, ...)"},
                 {"t", "(n) or (n, 1)", Kind::constant},
                 {"velocity", "(n, ...)"},
                 {"free", "(n, L, D)", Kind::real, true},
                 {"logits", "(n, L, K+1)", Kind::real, true},
                 {"colours", "(n, K, D)", Kind::real, true}},
      .params = {{"palette", 0.1, "weight of palette_nll, where a palette is given"}},
      .samples = {{"codes", {normal(3, 4), normal(3, 4), uniform(0, 1, {3}), normal(3, 4)}},
                  {"tokens", {normal(2, 3, 2), normal(2, 3, 2), uniform(0, 1, {2, 1}), normal(2, 3, 2)}},
                  {"palette",
                   {normal(2, 3, 2), uniform(-0.1, 0.1, {2, 3, 2}), uniform(0, 1, {2}), normal(2, 3, 2),
                    uniform(-0.1, 0.1, {2, 3, 2}), normal(2, 3, 4), uniform(-0.1, 0.1, {2, 3, 2})}},
                  {"column_of_times",
                   {normal(2, 3, 2), uniform(-0.1, 0.1, {2, 3, 2}), uniform(0, 1, {2, 1}), normal(2, 3, 2),
                    uniform(-0.1, 0.1, {2, 3, 2}), normal(2, 3, 4), uniform(-0.1, 0.1, {2, 3, 2})},
                   {{"palette", 2.0}}}},
      .errors =
          {{{"velocity", {normal(3, 2), normal(3, 2), normal(3), normal(3, 4)}},
            "[flow_matching] velocity (3, 4) must be of the shape of x0, got x0 (3, 2)"},
           {{"time", {normal(3, 2), normal(3, 2), normal(3, 2), normal(3, 2)}},
            "[flow_matching] t (3, 2) must be (n) or (n, 1), got x0 (3, 2)"},
           {{"half_a_palette", {normal(2, 3, 2), normal(2, 3, 2), normal(2), normal(2, 3, 2), normal(2, 3, 2)}},
            "[flow_matching] free (2, 3, 2) must be given with the rest of free, logits and colours, or not at all"},
           {{"palette", {normal(2, 3, 2), normal(2, 3, 2), normal(2), normal(2, 3, 2)}, {{"palette", -1.0}}},
            "[flow_matching] palette = -1 must be at least 0"}},
      .apply = [](const Call& c) -> Outputs {
        return {flow_matching(c[0], c[1], c[2], c[3], c[4], c[5], c[6], c.number("palette"))};
      }};
  return info;
}

}  // namespace triptych
