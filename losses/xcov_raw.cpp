#include "losses/xcov_raw.h"

#include "losses/cross_product.h"
#include "losses/shapes.h"
#include "ops/centre_columns.h"
#include "ops/matmul.h"
#include "ops/mean.h"
#include "ops/square.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
xcov_raw: a (n, da), b (n, db), n >= 2  ->  value ()

  forward   M = Ac^T Bc,  Ac, Bc = columns centred;   L = mean_kl M_kl^2                       no division by n: L ~ n^2
  backward  da = (2 / (da db)) Bc M^T,   db = (2 / (da db)) Ac M        centred already, so no more centring
  saves     Ac, Bc, M
  limits    0 is necessary, not sufficient, for independence; shrinking the codes also drives it to 0
  source    the un-normalised cross-covariance penalty of Cheung et al. 2014, arXiv 1412.6583, eq. 4, up to its factor
)";

}  // namespace

Var xcov_raw(const Var& a, const Var& b) {
  require_same_rows("xcov_raw", a, b, 2);
  const Kernels& k = a.kernels();
  return cross_product("xcov_raw", a, b, centred(k, a.value()), centred(k, b.value()),
                       1 / static_cast<double>(a.shape()[1] * b.shape()[1]));
}

const OpInfo& xcov_raw_info() {
  static const OpInfo info{
      .name = "xcov_raw",
      .formula = formula,
      .inputs = {{"a", "(n, da)"}, {"b", "(n, db)"}},
      .samples = {{"same_width", {normal(6, 3), normal(6, 3)}},
                  {"widths_differ", {normal(5, 2), normal(5, 4)}},
                  {"offset", {3 + normal(4, 2), normal(4, 1)}}},
      .errors = {{{"rows", {normal(3, 2), normal(4, 2)}},
                  "[xcov_raw] b (4, 2) must be of as many rows as a, got a (3, 2)"},
                 {{"one_row", {normal(1, 2), normal(1, 2)}}, "[xcov_raw] a (1, 2) must be (n, d) with n >= 2"}},
      .apply = [](const Call& c) -> Outputs { return {xcov_raw(c[0], c[1])}; },
      .reference = [](const Call& c) -> Outputs {
        return {mean(square(matmul(centre_columns(c[0]), centre_columns(c[1]), true)))};
      }};
  return info;
}

}  // namespace triptych
