#include "losses/vicreg.h"

#include "core/error.h"
#include "core/require.h"
#include "losses/mse.h"
#include "losses/shapes.h"
#include "losses/spread.h"
#include "ops/add.h"
#include "ops/centre_columns.h"
#include "ops/scale.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
vicreg: a (n, d), b (n, d), n >= 2  ->  value (), sim (), var_a (), var_b (), cov_a (), cov_b ()

  forward   sim   = mean_ik (a - b)^2                                             form paper: (1/n) sum_i |a_i - b_i|^2
            var_z = (1/d) sum_k max(0, gamma - sqrt(Var_k(z) + eps)),  Var with divisor n - 1
            cov_z = (1/d) sum_{k != l} Cov_kl(z)^2,  Cov with divisor n - 1
            value = sim_weight sim + var_weight (var_a + var_b) / 2 + cov_weight (cov_a + cov_b)
                                                                                  form paper: var terms added, no / 2
  backward  dsim: 2 (a - b) / (n d);   dvar_z: -zc_k / ((n - 1) d s_k) where s_k < gamma;
            dcov_z: 4 / (d (n - 1)) zc offdiag(Cov)
  saves     a - b, centred codes, standard deviations, off-diagonal covariances
  stable    n is the number of rows there are, also in a short last batch; eps is inside the root
  kinks     s_k = gamma. At exact collapse the gradient of var_z is 0 though its value is largest
  source    Bardes, Ponce, LeCun 2022, arXiv 2105.04906, eq. 1-6; form code: their program, whose coefficients are 25,
            25, 1
)";

bool is_paper(const std::string& form) {
  if (form == "paper" || form == "code") return form == "paper";
  throw Error(Exit::input, "op.parameter", "[vicreg] form = '" + escape_text(form) + "' must be code or paper");
}

}  // namespace

Vicreg vicreg(const Var& a, const Var& b, const VicregOptions& options) {
  require_pairs("vicreg", a, b, 2);
  require(options.eps >= 0, "vicreg", "eps", options.eps, ">= 0");
  const Var ac = centre_columns(a), bc = centre_columns(b);
  Vicreg v;
  v.sim = options.paper ? scale(mse(a, b), static_cast<double>(a.shape()[1])) : mse(a, b);
  v.var_a = standard_deviation_hinge(ac, options.gamma, options.eps);
  v.var_b = standard_deviation_hinge(bc, options.gamma, options.eps);
  v.cov_a = off_diagonal_covariance(ac);
  v.cov_b = off_diagonal_covariance(bc);
  const Var var = scale(add(v.var_a, v.var_b), options.paper ? options.var : options.var / 2);
  v.value = add(add(scale(v.sim, options.sim), var), scale(add(v.cov_a, v.cov_b), options.cov));
  return v;
}

const OpInfo& vicreg_info() {
  static const OpInfo info{
      .name = "vicreg",
      .formula = formula,
      .inputs = {{"a", "(n, d)"}, {"b", "(n, d)"}},
      .params = {{"sim", 25.0, "weight of the similarity"},
                 {"var", 25.0, "weight of the variance terms"},
                 {"cov", 1.0, "weight of the covariance terms"},
                 {"gamma", 1.0, "standard deviation from which a column costs nothing"},
                 {"eps", 1e-4, "added to the variance"},
                 {"form", std::string("code"), "code or paper"}},
      .samples = {{"code", {0.5 * normal(6, 3), 0.5 * normal(6, 3)}},
                  {"paper", {normal(5, 4), normal(5, 4)}, {{"form", std::string("paper")}, {"gamma", 1.5}}},
                  {"weights",
                   {normal(4, 2), normal(4, 2)},
                   {{"sim", 1.0}, {"var", 2.0}, {"cov", 3.0}, {"gamma", 2.0}}}},
      .errors = {{{"one_row", {normal(1, 3), normal(1, 3)}}, "[vicreg] a (1, 3) must be (n, d) with n >= 2"},
                 {{"width", {normal(3, 2), normal(3, 4)}}, "[vicreg] b (3, 4) must be of the shape of a, got a (3, 2)"},
                 {{"form", {normal(3, 2), normal(3, 2)}, {{"form", std::string("book")}}},
                  "[vicreg] form = 'book' must be code or paper"}},
      .apply = [](const Call& c) -> Outputs {
        const Vicreg v = vicreg(c[0], c[1],
                                {c.number("sim"), c.number("var"), c.number("cov"), c.number("gamma"), c.number("eps"),
                                 is_paper(c.text("form"))});
        return {v.value, v.sim, v.var_a, v.var_b, v.cov_a, v.cov_b};
      },
      .outputs = {"value", "sim", "var_a", "var_b", "cov_a", "cov_b"},
      .kinks = true};
  return info;
}

}  // namespace triptych
