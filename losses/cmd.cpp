#include "losses/cmd.h"

#include "core/require.h"
#include "losses/shapes.h"
#include "ops/add.h"
#include "ops/mean_rows.h"
#include "ops/mul.h"
#include "ops/sqrt.h"
#include "ops/square.h"
#include "ops/sub.h"
#include "ops/sum.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
cmd: a (n, d), b (m, d)  ->  value ()

  forward   L = |mean(a) - mean(b)| + sum_{k = 2..moments} |mean((a - mean(a))^k) - mean((b - mean(b))^k)|    by columns
  backward  d|x| = x / |x|, and 0 at x = 0 (equal batches: value 0, gradient 0, where x / |x| would be 0 / 0);
            then through powers and means
  saves     centred codes and their powers
  limits    without the factor 1 / |range|^k of the paper, as in MISA's program: bound the codes
  kinks     a moment equal in both
  source    Zellinger et al. 2017, arXiv 1702.08811, eq. 4; Hazarika, Zimmermann, Poria 2020, arXiv 2005.03545, eq. 6
)";

Var length(const Var& x) { return sqrt(sum(square(x))); }  // the slope of sqrt at 0 is 0 here (ops/sqrt.h)

}  // namespace

Var cmd(const Var& a, const Var& b, int moments) {
  require_codes("cmd", "a", a, 1);
  require_codes("cmd", "b", b, 1);
  require(a.shape()[1] == b.shape()[1], "cmd", "b", b, "of the width of a", "a", a);
  require(moments >= 1, "cmd", "moments", moments, "a whole number from 1 to 100");
  const Var mean_a = mean_rows(a), mean_b = mean_rows(b);
  Var total = length(sub(mean_a, mean_b));
  if (moments == 1) return total;
  const Var ac = sub(a, mean_a), bc = sub(b, mean_b);
  Var power_a = ac, power_b = bc;
  for (int k = 2; k <= moments; ++k) {
    power_a = mul(power_a, ac), power_b = mul(power_b, bc);
    total = add(total, length(sub(mean_rows(power_a), mean_rows(power_b))));
  }
  return total;
}

const OpInfo& cmd_info() {
  static const OpInfo info{
      .name = "cmd",
      .formula = formula,
      .inputs = {{"a", "(n, d)"}, {"b", "(m, d)"}},
      .params = {{"moments", 5.0, "the highest moment compared"}},
      .samples = {{"five", {0.5 * normal(6, 3), 1 + 0.3 * normal(6, 3)}},
                  {"rows_differ", {uniform(0, 1, {5, 2}), uniform(-1, 1, {7, 2})}, {{"moments", 3.0}}},
                  {"mean_only", {normal(3, 2), normal(3, 2)}, {{"moments", 1.0}}}},
      .errors = {{{"width", {normal(3, 2), normal(3, 4)}}, "[cmd] b (3, 4) must be of the width of a, got a (3, 2)"},
                 {{"moments", {normal(3, 2), normal(3, 2)}, {{"moments", 2.5}}},
                  "[cmd] moments = 2.5 must be a whole number from 1 to 100"}},
      .apply = [](const Call& c) -> Outputs {
        return {cmd(c[0], c[1], static_cast<int>(c.integer("moments", 1, 100)))};
      },
      .kinks = true};
  return info;
}

}  // namespace triptych
