#include "losses/info_nce.h"

#include "core/require.h"
#include "losses/diagonal_cross_entropy.h"
#include "losses/shapes.h"
#include "ops/matmul.h"
#include "ops/row_normalise.h"
#include "ops/scale.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
info_nce: a (n, d), b (n, d), n >= 1  ->  value ()

  forward   S = u(a) u(b)^T / tau,  u(z) = z / max(|z|, 1e-12) by rows;   L = (1/n) sum_i [logsumexp_j S_ij - S_ii]
            symmetric: the mean of that for S and for S^T
  backward  dS = (softmax_rows(S) - I) / n;   du(a) = dS u(b) / tau, du(b) = dS^T u(a) / tau;   then through u, so
            every gradient row is orthogonal to its row of a or b
  saves     the unit rows and softmax(S)
  stable    the row maximum is taken off before exp; log(softmax) is never formed
  range     L >= 0; ln n where all rows are equal; ln n - L is a lower bound of the mutual information in nats
  source    van den Oord, Li, Vinyals 2018, arXiv 1807.03748, eq. 4; negatives come from the other modality only
)";

}  // namespace

Var info_nce(const Var& a, const Var& b, double tau, bool symmetric) {
  require_pairs("info_nce", a, b, 1);
  require(tau > 0, "info_nce", "tau", tau, "> 0");
  const Var s = matmul(scale(row_normalise(a), 1 / tau), row_normalise(b), false, true);
  return symmetric ? symmetric_cross_entropy(s) : diagonal_cross_entropy(s);
}

const OpInfo& info_nce_info() {
  static const OpInfo info{
      .name = "info_nce",
      .formula = formula,
      .inputs = {{"a", "(n, d)"}, {"b", "(n, d)"}},
      .params = {{"tau", 0.07, "temperature: similarities are divided by it"},
                 {"symmetric", false, "average both directions"}},
      .samples = {{"one_way", {normal(6, 3), normal(6, 3)}, {{"tau", 0.5}}},
                  {"symmetric", {normal(5, 4), normal(5, 4)}, {{"tau", 0.5}, {"symmetric", true}}},
                  {"cold", {normal(4, 3), normal(4, 3)}, {{"tau", 0.2}}},
                  {"two_rows", {normal(2, 2), normal(2, 2)}, {{"tau", 1.0}}}},
      .errors = {{{"rows", {normal(3, 2), normal(4, 2)}},
                  "[info_nce] b (4, 2) must be of the shape of a, got a (3, 2)"},
                 {{"rank", {normal(3), normal(3)}}, "[info_nce] a (3) must be (n, d) with n >= 1"},
                 {{"tau", {normal(3, 2), normal(3, 2)}, {{"tau", 0.0}}}, "[info_nce] tau = 0 must be > 0"}},
      .apply = [](const Call& c) -> Outputs { return {info_nce(c[0], c[1], c.number("tau"), c.flag("symmetric"))}; }};
  return info;
}

}  // namespace triptych
