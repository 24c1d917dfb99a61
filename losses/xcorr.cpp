#include "losses/xcorr.h"

#include "losses/shapes.h"
#include "ops/centre_columns.h"
#include "ops/matmul.h"
#include "ops/mean.h"
#include "ops/row_normalise.h"
#include "ops/square.h"
#include "ops/transpose.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
xcorr: a (n, da), b (n, db), n >= 2  ->  value () in [0, 1]

  forward   U = columns of a, centred and scaled to length 1;  V = those of b;   R = U^T V,  L = mean_kl R_kl^2
  backward  dR = 2 R / (da db);   dU = V dR^T, dV = U dR;   column by column dx = (g - u (u . g)) / |x|, then centred
  saves     U^T, V^T, the lengths, R
  stable    centred twice: the first pass leaves a constant column with rounding dust, which scaling would blow up to
            length 1; the second removes it, and columns no longer than 1e-12 stay 0 with gradient 0
  limits    0 is necessary, not sufficient, for independence
  source    Pearson correlation; the penalty of Barlow-style decorrelation with the whole matrix driven to 0
)";

Var unit_columns(const Var& z) { return row_normalise(transpose(centre_columns(centre_columns(z)))); }

}  // namespace

Var xcorr(const Var& a, const Var& b) {
  require_same_rows("xcorr", a, b, 2);
  return mean(square(matmul(unit_columns(a), unit_columns(b), false, true)));
}

const OpInfo& xcorr_info() {
  static const OpInfo info{
      .name = "xcorr",
      .formula = formula,
      .inputs = {{"a", "(n, da)"}, {"b", "(n, db)"}},
      .samples = {{"same_width", {normal(6, 3), normal(6, 3)}}, {"widths_differ", {normal(7, 2), normal(7, 4)}}},
      .errors = {{{"rows", {normal(3, 2), normal(4, 2)}},
                  "[xcorr] b (4, 2) must be of as many rows as a, got a (3, 2)"},
                 {{"one_row", {normal(1, 2), normal(1, 2)}}, "[xcorr] a (1, 2) must be (n, d) with n >= 2"}},
      .apply = [](const Call& c) -> Outputs { return {xcorr(c[0], c[1])}; }};
  return info;
}

}  // namespace triptych
