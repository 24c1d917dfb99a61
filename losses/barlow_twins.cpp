#include "losses/barlow_twins.h"

#include "core/require.h"
#include "losses/shapes.h"
#include "losses/squared_entries.h"
#include "ops/layer_norm.h"
#include "ops/matmul.h"
#include "ops/scale.h"
#include "ops/transpose.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
barlow_twins: a (n, d), b (n, d), n >= 2  ->  value ()

  forward   A = (a - mean) / sqrt(Var + eps) column by column, Var with divisor n; B likewise from b alone
            C = A^T B / n;   L = sum_k (C_kk - 1)^2 + lambda sum_{k != l} C_kl^2
  backward  dC = 2 W (C - I),  W = 1 on the diagonal and lambda off it;   dA = B dC^T / n, dB = A dC / n;   then through
            the normalisation, which is layer_norm of the transposed codes
  saves     A^T, B^T, their means and deviations, C - I
  stable    the divisor n - 1 would hold the diagonal at (n - 1) / n, so that equal views never reach 0
  range     unchanged by a b of other scale or offset per column (up to eps)
  source    Zbontar, Jing, Misra, LeCun, Deny 2021, arXiv 2103.03230, eq. 1-2; eps and lambda of their program
)";

Var unit_variance(const Var& z, double eps) {
  const Shape samples{z.shape()[0]};
  Tape& tape = z.tape();
  return layer_norm(transpose(z), tape.constant(Tensor::full(samples, z.dtype(), 1)),
                    tape.constant(Tensor::zeros(samples, z.dtype())), eps);
}

}  // namespace

Var barlow_twins(const Var& a, const Var& b, double lambda, double eps) {
  require_pairs("barlow_twins", a, b, 2);
  require(lambda >= 0, "barlow_twins", "lambda", lambda, ">= 0");
  require(eps >= 0, "barlow_twins", "eps", eps, ">= 0");
  const double weight = 1 / static_cast<double>(a.shape()[0]);
  const Var c = scale(matmul(unit_variance(a, eps), unit_variance(b, eps), false, true), weight);
  return squared_entries(c, 1, 1, lambda);
}

const OpInfo& barlow_twins_info() {
  static const OpInfo info{
      .name = "barlow_twins",
      .formula = formula,
      .inputs = {{"a", "(n, d)"}, {"b", "(n, d)"}},
      .params = {{"lambda", 0.0051, "weight of the off-diagonal entries"}, {"eps", 1e-5, "added to the variance"}},
      .samples = {{"batch", {normal(6, 3), normal(6, 3)}},
                  {"heavy_off_diagonal", {normal(5, 4), 2 * normal(5, 4)}, {{"lambda", 0.5}, {"eps", 1e-2}}}},
      .errors = {{{"one_row", {normal(1, 3), normal(1, 3)}}, "[barlow_twins] a (1, 3) must be (n, d) with n >= 2"},
                 {{"width", {normal(3, 2), normal(3, 4)}},
                  "[barlow_twins] b (3, 4) must be of the shape of a, got a (3, 2)"},
                 {{"lambda", {normal(3, 2), normal(3, 2)}, {{"lambda", -1.0}}},
                  "[barlow_twins] lambda = -1 must be >= 0"}},
      .apply = [](const Call& c) -> Outputs {
        return {barlow_twins(c[0], c[1], c.number("lambda"), c.number("eps"))};
      }};
  return info;
}

}  // namespace triptych
