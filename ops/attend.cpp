#include "ops/attend.h"

#include "core/require.h"
#include "ops/composed.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
attend: q (B, r, d), or (r, d) for the same queries in every sample; x (B, L, d); weight (B, L) >= 0, or absent
        ->  y (B, r, d), probs (B, r, L)

  forward   S = Q X^T,   P_ij = w_j e^{S_ij} / sum_j w_j e^{S_ij},   Y = P X                           per sample
  backward  dP = dY X^T;   dS = P (dP - rowsum(P dP)), entry by entry;   dX = dS^T Q + P^T dY
            dQ = dS X, summed over the samples when q is (r, d)
  saves     q, x, P
  stable    the largest logit of positive weight is subtracted
  domain    a sample without any weight has P = 0, y = 0 and gradients 0;   weight and probs are constants
  source    Vaswani et al. 2017, arXiv 1706.03762, eq. 1, with the key and value maps absorbed by associativity
)";

}  // namespace

Attend attend(const Var& q, const Var& x, const Var& weight) {
  require(x.shape().rank() == 3, "attend", "x", x, "(B, L, d)");
  const bool same = q.shape().rank() == 2;
  require((same || (q.shape().rank() == 3 && q.shape()[0] == x.shape()[0])) && q.shape().back() == x.shape()[2],
          "attend", "q", q, "(B, r, d) or (r, d) with B and d of x", "x", x);
  if (weight) {
    require(weight.shape() == x.shape().without_last(), "attend", "weight", weight, "(B, L) of x", "x", x);
    require_constant("attend", "weight", weight);
  }
  const Kernels& k = x.kernels();
  if (!k.attend) return composed::attend(q, x, weight);
  const AttendSizes s{x.shape()[0], q.shape()[-2], x.shape()[1], x.shape()[2], same};
  Tensor y({s.batch, s.queries, s.width}, x.dtype()), probs({s.batch, s.queries, s.tokens}, x.dtype());
  k.attend(s, q.value().view(), x.value().view(), weight ? weight.value().view() : View{}, y.view(), probs.view());
  const Var out = record("attend", y, {q, x},
                         [&k, s, q = q.value(), x = x.value(), probs, want_q = q.requires_grad(),
                          want_x = x.requires_grad()](const Tensor& dy) -> Grads {
                           Tensor dq = want_q ? Tensor(q.shape(), q.dtype()) : Tensor{},
                                  dx = want_x ? Tensor(x.shape(), x.dtype()) : Tensor{};
                           k.attend_backward(s, dy.view(), q.view(), x.view(), probs.view(),
                                             want_q ? dq.view() : View{}, want_x ? dx.view() : View{});
                           return {dq, dx};
                         });
  return {out, x.tape().constant(probs)};
}

const OpInfo& attend_info() {
  static const OpInfo info{
      .name = "attend",
      .formula = formula,
      .inputs = {{"q", "(B, r, d) or (r, d)"}, {"x", "(B, L, d)"}, {"weight", "(B, L)", Kind::constant, true}},
      .samples = {{"own_queries", {0.7 * normal(2, 3, 4), normal(2, 5, 4)}},
                  {"same_queries", {0.7 * normal(3, 4), normal(3, 5, 4)}},
                  {"masked", {normal(2, 2, 3), normal(2, 3, 3), list({2, 3}, {1, 0, 1, 1, 1, 0})}},
                  {"weighted", {normal(2, 3), normal(2, 4, 3), list({2, 4}, {1, 0.2, 0, 3, 0.5, 0.5, 1, 0})}},
                  {"no_weight", {0.5 * normal(2, 2), normal(2, 3, 2), list({2, 3}, {0, 0, 0, 0.3, 0, 1})}},
                  {"one_query", {normal(1, 1, 3), normal(1, 4, 3)}},
                  {"many_samples", {normal(1, 2), normal(19, 2, 2)}}},
      .errors = {{{"width", {normal(2, 3, 4), normal(2, 5, 3)}},
                  "[attend] q (2, 3, 4) must be (B, r, d) or (r, d) with B and d of x, got x (2, 5, 3)"},
                 {{"batch", {normal(3, 3, 4), normal(2, 5, 4)}},
                  "[attend] q (3, 3, 4) must be (B, r, d) or (r, d) with B and d of x, got x (2, 5, 4)"},
                 {{"rank", {normal(3, 4), normal(5, 4)}}, "[attend] x (5, 4) must be (B, L, d)"},
                 {{"weight", {normal(3, 4), normal(2, 5, 4), fill(1, {2, 4})}},
                  "[attend] weight (2, 4) must be (B, L) of x, got x (2, 5, 4)"}},
      .apply = [](const Call& c) -> Outputs {
        const Attend a = attend(c[0], c[1], c[2]);
        return {a.y, a.probs};
      },
      .reference = [](const Call& c) -> Outputs {
        const Attend a = composed::attend(c[0], c[1], c[2]);
        return {a.y, a.probs};
      },
      .outputs = {"value", "probs"}};
  return info;
}

}  // namespace triptych
