#include "losses/variance_hinge.h"

#include "core/require.h"
#include "losses/shapes.h"
#include "losses/spread.h"
#include "ops/centre_columns.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
variance_hinge: z (n, d), n >= 2  ->  value ()

  forward   s_k = sqrt(Var_k + eps),  Var_k = sum_i zc_ik^2 / (n - 1),  zc = columns centred
            L = (1/d) sum_k max(0, gamma - s_k)
  backward  dz_ik = -zc_ik / ((n - 1) d s_k) where s_k < gamma, else 0
  saves     zc, s
  stable    eps inside the root: the slope stays finite at collapse (where it is 0, though the value is largest)
  kinks     s_k = gamma
  source    Bardes, Ponce, LeCun 2022, arXiv 2105.04906, eq. 1-2
)";

}  // namespace

Var variance_hinge(const Var& z, double gamma, double eps) {
  require_codes("variance_hinge", "z", z, 2);
  require(eps >= 0, "variance_hinge", "eps", eps, ">= 0");
  return standard_deviation_hinge(centre_columns(z), gamma, eps);
}

const OpInfo& variance_hinge_info() {
  static const OpInfo info{
      .name = "variance_hinge",
      .formula = formula,
      .inputs = {{"z", "(n, d)"}},
      .params = {{"gamma", 1.0, "standard deviation from which a column costs nothing"},
                 {"eps", 1e-4, "added to the variance"}},
      .samples = {{"narrow", {0.3 * normal(6, 3)}},
                  {"some_wide", {normal(5, 4)}, {{"gamma", 1.1}}},
                  {"two_rows", {0.5 * normal(2, 3)}, {{"gamma", 2.0}, {"eps", 1e-2}}}},
      .errors = {{{"one_row", {normal(1, 2)}}, "[variance_hinge] z (1, 2) must be (n, d) with n >= 2"},
                 {{"eps", {normal(3, 2)}, {{"eps", -1.0}}}, "[variance_hinge] eps = -1 must be >= 0"}},
      .apply = [](const Call& c) -> Outputs { return {variance_hinge(c[0], c.number("gamma"), c.number("eps"))}; },
      .kinks = true};
  return info;
}

}  // namespace triptych
