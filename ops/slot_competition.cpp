#include "ops/slot_competition.h"

#include "core/require.h"
#include "ops/composed.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
slot_competition: logits (..., K, L), permission (K, L) or (B, K, L) with B the first size of logits, >= 0, or absent
                  ->  weights W (..., K, L), shares A (..., K, L)

  forward   A_kj = m_kj e^{l_kj} / sum_k m_kj e^{l_kj}     over the slots k; 0 where no slot is permitted;  m: permission
            W_kj = A_kj / (sum_j A_kj + eps)               over the tokens j
  backward  dA_kj = (dW_kj - sum_j dW_kj W_kj) / (sum_j A_kj + eps);   dl_kj = A_kj (dA_kj - sum_k A_kj dA_kj)
  saves     W, A
  stable    the largest permitted logit of a token is subtracted. eps stands in the denominator alone: added to A first
            and then normalised away, it would give a slot without tokens the mean of all tokens, forbidden ones included
  domain    eps > 0;   permission and A are constants
  source    Locatello et al. 2020, arXiv 2006.15055, algorithm 1, with permissions
)";

}  // namespace

SlotCompetition slot_competition(const Var& logits, const Var& permission, double eps) {
  const Shape& shape = logits.shape();
  require(shape.rank() >= 2, "slot_competition", "logits", logits, "(..., K, L)");
  require(eps > 0, "slot_competition", "eps", eps, "greater than 0");
  CompetitionSizes s{shape.without_last().without_last().count(), shape[-2], shape[-1], 1, eps};
  if (permission) {
    const bool per_sample = permission.shape().rank() == 3 && shape.rank() >= 3 && permission.shape()[0] == shape[0];
    require((permission.shape().rank() == 2 || per_sample) && permission.shape()[-2] == s.slots &&
                permission.shape()[-1] == s.tokens,
            "slot_competition", "permission", permission, "(K, L) or (B, K, L) of logits", "logits", logits);
    require_constant("slot_competition", "permission", permission);
    const std::int64_t matrices = per_sample ? shape[0] : 1;
    s.outer_per_permission = matrices > 0 ? std::max<std::int64_t>(1, s.outer / matrices) : 1;
  }
  const Kernels& k = logits.kernels();
  if (!k.slot_competition) return composed::slot_competition(logits, permission, eps);
  Tensor w(shape, logits.dtype()), a(shape, logits.dtype());
  k.slot_competition(s, logits.value().view(), permission ? permission.value().view() : View{}, w.view(), a.view());
  const Var out = record("slot_competition", w, {logits}, [&k, s, w, a](const Tensor& dw) -> Grads {
    Tensor dl(w.shape(), w.dtype());
    k.slot_competition_backward(s, dw.view(), w.view(), a.view(), dl.view());
    return {dl};
  });
  return {out, logits.tape().constant(a)};
}

const OpInfo& slot_competition_info() {
  static const OpInfo info{
      .name = "slot_competition",
      .formula = formula,
      .inputs = {{"logits", "(..., K, L)"}, {"permission", "(K, L) or (B, K, L)", Kind::constant, true}},
      .params = {{"eps", 1e-8, "added to a slot's total"}},
      .samples = {{"free", {normal(2, 3, 4)}},
                  {"one_matrix", {normal(3, 4)}, {{"eps", 0.3}}},
                  {"typed", {normal(2, 3, 4), list({3, 4}, {1, 1, 0, 0, 0, 0, 1, 1, 0.2, 0.2, 0.2, 0.2})}},
                  {"per_sample",
                   {normal(2, 2, 2, 3), list({2, 2, 3}, {1, 1, 0, 0, 1, 1, 1, 0.5, 0, 1, 1, 0})},
                   {{"eps", 0.1}}},
                  {"slot_without_tokens", {normal(1, 3, 2), list({3, 2}, {1, 1, 0, 0, 1, 0.5})}},
                  {"large_logits", {1000 + 3 * normal(2, 2, 3)}}},
      .errors = {{{"vector", {normal(3)}}, "[slot_competition] logits (3) must be (..., K, L)"},
                 {{"eps", {normal(2, 3)}, {{"eps", 0.0}}}, "[slot_competition] eps = 0 must be greater than 0"},
                 {{"permission", {normal(2, 3, 4), fill(1, {4, 3})}},
                  "[slot_competition] permission (4, 3) must be (K, L) or (B, K, L) of logits, got logits (2, 3, 4)"}},
      .apply = [](const Call& c) -> Outputs {
        const SlotCompetition s = slot_competition(c[0], c[1], c.number("eps"));
        return {s.weights, s.shares};
      },
      .reference = [](const Call& c) -> Outputs {
        const SlotCompetition s = composed::slot_competition(c[0], c[1], c.number("eps"));
        return {s.weights, s.shares};
      },
      .outputs = {"weights", "shares"}};
  return info;
}

}  // namespace triptych
