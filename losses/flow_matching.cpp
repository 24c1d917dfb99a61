#include "losses/flow_matching.h"

#include "core/require.h"
#include "losses/flow_path.h"
#include "losses/mse.h"
#include "losses/palette_nll.h"
#include "ops/add.h"
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
  limits    t says where the velocity was asked for and does not enter the value. The least expected loss is not 0: for
            x0 ~ N(0, I), x1 ~ N(mu, s^2 I) and uniform t it is s pi / 2 per element
  source    Lipman et al. 2023, arXiv 2210.02747, eq. 23 with sigma_min = 0; Liu, Gong, Liu 2023, arXiv 2209.03003, eq. 1
)";

}  // namespace

Var flow_matching(const Var& x0, const Var& x1, const Var& velocity) {
  require(x1.shape() == x0.shape(), "flow_matching", "x1", x1, "of the shape of x0", "x0", x0);
  require(velocity.shape() == x0.shape(), "flow_matching", "velocity", velocity, "of the shape of x0", "x0", x0);
  return mse(velocity, sub(x1, x0));
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
                    uniform(-0.1, 0.1, {2, 3, 2}), normal(2, 3, 4), uniform(-0.1, 0.1, {2, 3, 2})}}},
      .errors =
          {{{"velocity", {normal(3, 2), normal(3, 2), normal(3), normal(3, 4)}},
            "[flow_matching] velocity (3, 4) must be of the shape of x0, got x0 (3, 2)"},
           {{"time", {normal(3, 2), normal(3, 2), normal(3, 2), normal(3, 2)}},
            "[flow_matching] t (3, 2) must be (n) or (n, 1), got x0 (3, 2)"},
           {{"half_a_palette", {normal(2, 3, 2), normal(2, 3, 2), normal(2), normal(2, 3, 2), normal(2, 3, 2)}},
            "[flow_matching] free (2, 3, 2) must be given with the rest of free, logits and colours, or not at all"}},
      .apply = [](const Call& c) -> Outputs {
        require_path("flow_matching", c[0], c[1], c[2]);
        const Var value = flow_matching(c[0], c[1], c[3]);
        const double palette = c.number("palette");
        require(palette >= 0, "flow_matching", "palette", palette, "at least 0");
        const bool whole = c[4] && c[5] && c[6];
        for (const std::size_t part : {4, 5, 6})
          require(whole || !c[part], "flow_matching", flow_matching_info().inputs[part].name, c[part],
                  "given with the rest of free, logits and colours, or not at all");
        if (!whole || palette == 0) return {value};
        return {add(value, scale(palette_nll(c[1], c[2], c[4], c[5], c[6]), palette))};
      }};
  return info;
}

}  // namespace triptych
