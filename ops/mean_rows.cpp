#include "ops/mean_rows.h"

#include "core/require.h"
#include "ops/scale.h"
#include "ops/sum_rows.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
mean_rows: x (..., d) of n >= 1 rows  ->  y (d)

  forward   y_j = (sum over all rows of x_ij) / n
  backward  dx_ij = dy_j / n
  saves     nothing
  source    linearity
)";

}  // namespace

Var mean_rows(const Var& x) {
  require(x.shape().rank() >= 1 && x.shape().rows() >= 1, "mean_rows", "x", x, "(..., d) with at least one row");
  return scale(sum_rows(x), 1 / static_cast<double>(x.shape().rows()));
}

const OpInfo& mean_rows_info() {
  static const OpInfo info{
      .name = "mean_rows",
      .formula = formula,
      .inputs = {{"x", "(..., d)"}},
      .samples = {{"matrix", {normal(3, 4)}},
                  {"tokens", {normal(2, 3, 4)}},
                  {"one_row", {normal(1, 4)}},
                  {"width_one", {normal(5, 1)}}},
      .errors = {{{"scalar", {normal()}}, "[mean_rows] x () must be (..., d) with at least one row"},
                 {{"no_row", {normal(0, 4)}}, "[mean_rows] x (0, 4) must be (..., d) with at least one row"}},
      .apply = [](const Call& c) -> Outputs { return {mean_rows(c[0])}; }};
  return info;
}

}  // namespace triptych
