#include "losses/contrastive_distance.h"

#include <cmath>

#include "core/require.h"
#include "losses/diagonal_cross_entropy.h"
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
contrastive_distance: a (n, d), b (n, d), negatives (m, d), optional  ->  value ()

  forward   p_i = |a_i - b_i|^2 / tau,  q_ij = |a_i - negatives_j|^2 / tau;  absent: q_ij = |a_i - a_j|^2 / tau, j != i
            L = (1/n) sum_i [ p_i + ln( (sum_j e^(-q_ij) + e^(-p_i)) / (m + 1) ) ],  m = n - 1 where absent
            symmetric: the mean of that and of its like with a and b exchanged
  backward  w = softmax of the row (-p_i, -q_i1, ..., -q_im);   db_i = (2 / (n tau)) (1 - w_i0) (b_i - a_i);
            dnegatives_j = (2 / (n tau)) sum_i w_ij (a_i - negatives_j);   da_i is minus the sum of what row i sends
  saves     w and the codes
  stable    a cross-entropy of -p and -q. |a_i|^2 is common to its row and left out
  range     at least -ln(m + 1); 0 where all codes are equal
  source    Daunhawer et al. 2023, arXiv 2303.09166, in the form of their program: negatives of the same modality, from
            a second batch there, and a sum divided by its m + 1 terms
)";

// Sum of each row of x (n, d) -> (n, 1).
Var row_sums(const Var& x) { return matmul(x, x.tape().constant(Tensor::full({x.shape()[1], 1}, x.dtype(), 1))); }

// |a_i|^2 - |a_i - z_j|^2 for all pairs: (n, m).
Var nearness(const Var& a, const Var& z) {
  return sub(matmul(scale(a, 2), z, false, true), reshape(row_sums(square(z)), {z.shape()[0]}));
}

Var minus_log(const Var& loss, std::int64_t terms) {
  return add(loss, loss.tape().constant(Tensor::scalar(-std::log(static_cast<double>(terms)), loss.dtype())));
}

// Column 0 of each row against all: the positive, then the negatives.
Var first_of(const Var& positive, const Var& negative, double tau) {
  const Var columns[] = {positive, negative};
  const Var logits = scale(concat(columns, 1), 1 / tau),
            zero = logits.tape().constant(Tensor::zeros({logits.shape()[0]}, DType::i32));
  return minus_log(cross_entropy(logits, zero), logits.shape()[1]);
}

// The other rows of a as negatives: on the diagonal the distance to b takes the place of that to itself, which is 0.
Var within_batch(const Var& a, const Var& b, double tau) {
  const std::int64_t n = a.shape()[0];
  Tensor identity = Tensor::zeros({n, n}, a.dtype());
  for (std::int64_t i = 0; i < n; ++i) identity.set(i * n + i, 1);
  const Var distance = reshape(row_sums(square(sub(a, b))), {n});
  const Var logits = sub(nearness(a, a), mul(a.tape().constant(identity), distance));
  return minus_log(diagonal_cross_entropy(scale(logits, 1 / tau)), n);
}

}  // namespace

Var contrastive_distance(const Var& a, const Var& b, const Var& negatives, double tau, bool symmetric) {
  const std::string_view loss = "contrastive_distance";
  require_pairs(loss, a, b, negatives ? 1 : 2);
  require(tau > 0, loss, "tau", tau, "> 0");
  if (!negatives) {
    const Var value = within_batch(a, b, tau);
    return symmetric ? scale(add(value, within_batch(b, a, tau)), 0.5) : value;
  }
  require(!symmetric, loss, "negatives", negatives, "absent when symmetric: they are of the modality of a");
  require_codes(loss, "negatives", negatives, 1);
  require(negatives.shape()[1] == a.shape()[1], loss, "negatives", negatives, "of the width of a", "a", a);
  return first_of(row_sums(mul(b, sub(scale(a, 2), b))), nearness(a, negatives), tau);
}

const OpInfo& contrastive_distance_info() {
  static const OpInfo info{
      .name = "contrastive_distance",
      .formula = formula,
      .inputs = {{"a", "(n, d)"}, {"b", "(n, d)"}, {"negatives", "(m, d)", Kind::real, true}},
      .params = {{"tau", 1.0, "temperature: squared distances are divided by it"},
                 {"symmetric", false, "average both orders of a and b"}},
      .samples = {{"fresh", {0.7 * normal(5, 2), 0.7 * normal(5, 2), 0.7 * normal(5, 2)}},
                  {"more_negatives", {normal(3, 2), normal(3, 2), normal(6, 2)}, {{"tau", 2.0}}},
                  {"one_of_each", {normal(1, 3), normal(1, 3), normal(1, 3)}},
                  {"within_batch", {0.7 * normal(5, 2), 0.7 * normal(5, 2)}, {{"tau", 1.5}}},
                  {"symmetric", {normal(4, 3), normal(4, 3)}, {{"symmetric", true}}}},
      .errors =
          {{{"shape", {normal(3, 2), normal(4, 2), normal(3, 2)}},
            "[contrastive_distance] b (4, 2) must be of the shape of a, got a (3, 2)"},
           {{"one_row", {normal(1, 2), normal(1, 2)}}, "[contrastive_distance] a (1, 2) must be (n, d) with n >= 2"},
           {{"width", {normal(3, 2), normal(3, 2), normal(3, 4)}},
            "[contrastive_distance] negatives (3, 4) must be of the width of a, got a (3, 2)"},
           {{"symmetric", {normal(3, 2), normal(3, 2), normal(3, 2)}, {{"symmetric", true}}},
            "[contrastive_distance] negatives (3, 2) must be absent when symmetric: they are of the modality of a"},
           {{"tau", {normal(3, 2), normal(3, 2), normal(3, 2)}, {{"tau", 0.0}}},
            "[contrastive_distance] tau = 0 must be > 0"}},
      .apply = [](const Call& c) -> Outputs {
        return {contrastive_distance(c[0], c[1], c[2], c.number("tau"), c.flag("symmetric"))};
      },
      // The distances as they are written, pair by pair.
      .reference = [](const Call& c) -> Outputs {
        const auto one = [&](const Var& a, const Var& b, const Var& z, bool skip_own) {
          const std::int64_t n = a.shape()[0], m = z.shape()[0], kept = m - (skip_own ? 1 : 0);
          Tensor row({n * kept}, DType::i32), column({n * kept}, DType::i32);
          for (std::int64_t i = 0, at = 0; i < n; ++i)
            for (std::int64_t j = 0; j < m; ++j) {
              if (skip_own && i == j) continue;
              row.set(at, static_cast<double>(i)), column.set(at++, static_cast<double>(j));
            }
          const auto negated = [](const Var& x, const Var& y) { return scale(row_sums(square(sub(x, y))), -1); };
          const Var pairs = negated(gather(a, c.tape.constant(row)), gather(z, c.tape.constant(column)));
          return first_of(negated(a, b), reshape(pairs, {n, kept}), c.number("tau"));
        };
        const Var value = one(c[0], c[1], c[2] ? c[2] : c[0], !c[2]);
        return {c.flag("symmetric") ? scale(add(value, one(c[1], c[0], c[1], true)), 0.5) : value};
      }};
  return info;
}

}  // namespace triptych
