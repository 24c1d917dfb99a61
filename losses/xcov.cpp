#include "losses/xcov.h"

#include "losses/cross_product.h"
#include "losses/shapes.h"
#include "ops/centre_columns.h"
#include "ops/matmul.h"
#include "ops/scale.h"
#include "ops/square.h"
#include "ops/sum.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
xcov: a (n, da), b (n, db), n >= 2  ->  value ()

  forward   C = Ac^T Bc / (n - 1),  Ac, Bc = columns centred;   L = |C|_F^2
  backward  da = (2 / (n - 1)) Bc C^T,   db = (2 / (n - 1)) Ac C        centred already, so no more centring
  saves     Ac, Bc, C
  limits    0 is necessary, not sufficient, for independence; shrinking the codes also drives it to 0, so pair it with
            variance_hinge or use xcorr
  source    Gretton et al. 2005, "Measuring statistical dependence with Hilbert-Schmidt norms": HSIC of linear kernels
)";

double weight(const Var& a) {
  const auto m = static_cast<double>(a.shape()[0] - 1);
  return 1 / (m * m);
}

}  // namespace

Var xcov(const Var& a, const Var& b) {
  require_same_rows("xcov", a, b, 2);
  const Kernels& k = a.kernels();
  return cross_product("xcov", a, b, centred(k, a.value()), centred(k, b.value()), weight(a));
}

const OpInfo& xcov_info() {
  static const OpInfo info{
      .name = "xcov",
      .formula = formula,
      .inputs = {{"a", "(n, da)"}, {"b", "(n, db)"}},
      .samples = {{"same_width", {normal(6, 3), normal(6, 3)}},
                  {"widths_differ", {normal(5, 2), normal(5, 4)}},
                  {"two_rows", {normal(2, 3), normal(2, 2)}}},
      .errors = {{{"rows", {normal(3, 2), normal(4, 2)}}, "[xcov] b (4, 2) must be of as many rows as a, got a (3, 2)"},
                 {{"one_row", {normal(1, 2), normal(1, 2)}}, "[xcov] a (1, 2) must be (n, d) with n >= 2"}},
      .apply = [](const Call& c) -> Outputs { return {xcov(c[0], c[1])}; },
      .reference = [](const Call& c) -> Outputs {
        return {scale(sum(square(matmul(centre_columns(c[0]), centre_columns(c[1]), true))), weight(c[0]))};
      }};
  return info;
}

}  // namespace triptych
