#include "losses/contrastive_distance.h"

#include <cmath>

#include "core/require.h"
#include "losses/shapes.h"
#include "ops/add.h"
#include "ops/concat.h"
#include "ops/cross_entropy.h"
#include "ops/gather.h"
#include "ops/matmul.h"
#include "ops/mul.h"
#include "ops/reshape.h"
#include "ops/scale.h"
#include "ops/square.h"
#include "ops/sub.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
contrastive_distance: own (n, d), other (n, d), negatives (m, d)  ->  value ()

  forward   p_i = |own_i - other_i|^2 / tau,  q_ij = |own_i - negatives_j|^2 / tau
            L = (1/n) sum_i [ p_i + ln( (sum_j e^(-q_ij) + e^(-p_i)) / (m + 1) ) ]
  backward  w = softmax of the row (-p_i, -q_i1, ..., -q_im);   dother_i = (2 / (n tau)) (1 - w_i0) (other_i - own_i);
            dnegatives_j = (2 / (n tau)) sum_i w_ij (own_i - negatives_j);   down_i is minus the sum of what row i sends
  saves     w and the codes
  stable    a cross-entropy of -p and -q. |own_i|^2 is common to its row and left out
  range     at least -ln(m + 1); 0 where all codes are equal
  source    Daunhawer et al. 2023, arXiv 2303.09166, in the form of their program: the negatives are of the same
            modality and from a second batch, and the sum is divided by its m + 1 terms
)";

Var target_zero(const Var& x) { return x.tape().constant(Tensor::zeros({x.shape()[0]}, DType::i32)); }

// Sum of each row of x (n, d) -> (n, 1).
Var row_sums(const Var& x) { return matmul(x, x.tape().constant(Tensor::full({x.shape()[1], 1}, x.dtype(), 1))); }

// Mean over rows of -log softmax at column 0, against the mean over the m + 1 columns instead of their sum.
Var against_mean(const Var& positive, const Var& negative, double tau) {
  const Var columns[] = {positive, negative};
  const Var logits = scale(concat(columns, 1), 1 / tau);
  const double terms = std::log(static_cast<double>(logits.shape()[1]));
  return add(cross_entropy(logits, target_zero(logits)),
             logits.tape().constant(Tensor::scalar(-terms, logits.dtype())));
}

}  // namespace

Var contrastive_distance(const Var& own, const Var& other, const Var& negatives, double tau) {
  const std::string_view loss = "contrastive_distance";
  require_codes(loss, "own", own, 1);
  require(other.shape() == own.shape(), loss, "other", other, "of the shape of own", "own", own);
  require_codes(loss, "negatives", negatives, 1);
  require(negatives.shape()[1] == own.shape()[1], loss, "negatives", negatives, "of the width of own", "own", own);
  require(tau > 0, loss, "tau", tau, "> 0");
  const Var twice = scale(own, 2);
  const Var positive = row_sums(mul(other, sub(twice, other)));
  const Var lengths = reshape(row_sums(square(negatives)), {negatives.shape()[0]});
  return against_mean(positive, sub(matmul(twice, negatives, false, true), lengths), tau);
}

const OpInfo& contrastive_distance_info() {
  static const OpInfo info{
      .name = "contrastive_distance",
      .formula = formula,
      .inputs = {{"own", "(n, d)"}, {"other", "(n, d)"}, {"negatives", "(m, d)"}},
      .params = {{"tau", 1.0, "temperature: squared distances are divided by it"}},
      .samples = {{"batch", {0.7 * normal(5, 2), 0.7 * normal(5, 2), 0.7 * normal(5, 2)}},
                  {"more_negatives", {normal(3, 2), normal(3, 2), normal(6, 2)}, {{"tau", 2.0}}},
                  {"one_of_each", {normal(1, 3), normal(1, 3), normal(1, 3)}}},
      .errors = {{{"shape", {normal(3, 2), normal(4, 2), normal(3, 2)}},
                  "[contrastive_distance] other (4, 2) must be of the shape of own, got own (3, 2)"},
                 {{"width", {normal(3, 2), normal(3, 2), normal(3, 4)}},
                  "[contrastive_distance] negatives (3, 4) must be of the width of own, got own (3, 2)"},
                 {{"tau", {normal(3, 2), normal(3, 2), normal(3, 2)}, {{"tau", 0.0}}},
                  "[contrastive_distance] tau = 0 must be > 0"}},
      .apply = [](const Call& c) -> Outputs { return {contrastive_distance(c[0], c[1], c[2], c.number("tau"))}; },
      // The distances as they are written, pair by pair.
      .reference = [](const Call& c) -> Outputs {
        const std::int64_t n = c[0].shape()[0], m = c[2].shape()[0];
        Tensor row({n * m}, DType::i32), column({n * m}, DType::i32);
        for (std::int64_t i = 0; i < n * m; ++i)
          row.set(i, static_cast<double>(i / m)), column.set(i, static_cast<double>(i % m));
        const auto negated = [](const Var& x, const Var& y) { return scale(row_sums(square(sub(x, y))), -1); };
        const Var pairs = negated(gather(c[0], c.tape.constant(row)), gather(c[2], c.tape.constant(column)));
        return {against_mean(negated(c[0], c[1]), reshape(pairs, {n, m}), c.number("tau"))};
      }};
  return info;
}

}  // namespace triptych
