#include "losses/kl_gaussian.h"

#include "core/require.h"
#include "ops/add.h"
#include "ops/exp.h"
#include "ops/mul.h"
#include "ops/scale.h"
#include "ops/square.h"
#include "ops/sub.h"
#include "ops/sum.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
kl_gaussian: mu_q (..., d), logvar_q (..., d), [mu_p, logvar_p (..., d)]  ->  value ()

  forward   L = mean over leading axes of (1/2) sum_k [ e^(l_q - l_p) + (mu_q - mu_p)^2 e^(-l_p) - 1 + l_p - l_q ]
            l = logvar; absent p: mu_p = l_p = 0
  backward  dmu_q = (mu_q - mu_p) e^(-l_p) = -dmu_p;   dl_q = (e^(l_q - l_p) - 1) / 2;
            dl_p = (1 - e^(l_q - l_p) - (mu_q - mu_p)^2 e^(-l_p)) / 2;          all divided by the number of rows
  saves     the two exponentials, the difference of means and its square
  range     L >= 0, and 0 with zero gradient where q = p
  source    Kingma & Welling 2014, arXiv 1312.6114, appendix B
)";

}  // namespace

Var kl_gaussian(const Var& mu_q, const Var& logvar_q, const Var& mu_p, const Var& logvar_p) {
  const std::string_view rule = "of the shape of mu_q";
  require(mu_q.shape().rank() >= 1 && mu_q.value().size() > 0, "kl_gaussian", "mu_q", mu_q, "(..., d), not empty");
  require(logvar_q.shape() == mu_q.shape(), "kl_gaussian", "logvar_q", logvar_q, rule, "mu_q", mu_q);
  if (mu_p || logvar_p) {
    require(mu_p && mu_p.shape() == mu_q.shape(), "kl_gaussian", "mu_p", mu_p, rule, "mu_q", mu_q);
    require(logvar_p && logvar_p.shape() == mu_q.shape(), "kl_gaussian", "logvar_p", logvar_p, rule, "mu_q", mu_q);
  }
  const Var log_ratio = logvar_p ? sub(logvar_q, logvar_p) : logvar_q;
  const Var square_shift = mu_p ? mul(square(sub(mu_q, mu_p)), exp(scale(logvar_p, -1))) : square(mu_q);
  const Var one = mu_q.tape().constant(Tensor::scalar(1, mu_q.dtype()));
  const Var terms = add(sub(sub(exp(log_ratio), one), log_ratio), square_shift);
  return scale(sum(terms), 0.5 / static_cast<double>(mu_q.shape().rows()));
}

const OpInfo& kl_gaussian_info() {
  static const OpInfo info{
      .name = "kl_gaussian",
      .formula = formula,
      .inputs = {{"mu_q", "(..., d)"},
                 {"logvar_q", "(..., d)"},
                 {"mu_p", "(..., d)", Kind::real, true},
                 {"logvar_p", "(..., d)", Kind::real, true}},
      .samples = {{"two_gaussians", {normal(4, 3), normal(4, 3), normal(4, 3), normal(4, 3)}},
                  {"standard_normal", {normal(3, 2), normal(3, 2)}},
                  {"one_row", {normal(5), normal(5)}}},
      .errors = {{{"shape", {normal(3, 2), normal(2)}},
                  "[kl_gaussian] logvar_q (2) must be of the shape of mu_q, got mu_q (3, 2)"},
                 {{"half", {normal(3, 2), normal(3, 2), normal(3, 2)}},
                  "[kl_gaussian] logvar_p (absent) must be of the shape of mu_q, got mu_q (3, 2)"}},
      .apply = [](const Call& c) -> Outputs { return {kl_gaussian(c[0], c[1], c[2], c[3])}; }};
  return info;
}

}  // namespace triptych
