#include "ops/attention.h"

#include "core/require.h"
#include "ops/composed.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
attention: q (B, Lq, d), k (B, Lk, d), v (B, Lk, d), mask (B, Lk) with 1 = real token, or absent
           ->  y (B, Lq, d), probs (B, heads, Lq, Lk);   head h owns columns [h w, (h + 1) w), w = d / heads

  forward   P = softmax(Q K^T / sqrt(w)) over the real tokens,   Y = P V                             per sample and head
  backward  dP = dY V^T;   dS = P (dP - rowsum(P dP)), entry by entry;   dQ = dS K / sqrt(w);   dK = dS^T Q / sqrt(w);
            dV = P^T dY
  saves     q, k, v, P
  stable    the largest real logit of a row is subtracted; masked tokens are never exponentiated
  domain    a sample with no real token has P = 0, y = 0 and gradients 0;   probs is a constant
  source    Vaswani et al. 2017, arXiv 1706.03762, eq. 1
)";

}  // namespace

Attention attention(const Var& q, const Var& k, const Var& v, const Var& mask, int heads) {
  require(q.shape().rank() == 3, "attention", "q", q, "(B, Lq, d)");
  const std::int64_t d = q.shape()[2];
  require(k.shape().rank() == 3 && k.shape()[0] == q.shape()[0] && k.shape()[2] == d, "attention", "k", k,
          "(B, Lk, d) with B and d of q", "q", q);
  require(v.shape() == k.shape(), "attention", "v", v, "(B, Lk, d), the shape of k", "k", k);
  require(heads >= 1 && d % heads == 0, "attention", "heads", heads, "a divisor of d, the last size of q");
  if (mask) {
    require(mask.shape() == k.shape().without_last(), "attention", "mask", mask, "(B, Lk) of k", "k", k);
    require_constant("attention", "mask", mask);
  }
  const Kernels& kernels = q.kernels();
  if (!kernels.attention) return composed::attention(q, k, v, mask, heads);
  const AttentionSizes s{q.shape()[0], q.shape()[1], k.shape()[1], d, heads};
  Tensor y(q.shape(), q.dtype()), probs({s.batch, heads, s.queries, s.keys}, q.dtype());
  kernels.attention(s, q.value().view(), k.value().view(), v.value().view(), mask ? mask.value().view() : View{},
                    y.view(), probs.view());
  const Var out = record("attention", y, {q, k, v},
                         [&kernels, s, q = q.value(), k = k.value(), v = v.value(), probs](const Tensor& dy) -> Grads {
                           Tensor dq(q.shape(), q.dtype()), dk(k.shape(), q.dtype()), dv(v.shape(), q.dtype());
                           kernels.attention_backward(s, dy.view(), q.view(), k.view(), v.view(), probs.view(),
                                                      dq.view(), dk.view(), dv.view());
                           return {dq, dk, dv};
                         });
  return {out, q.tape().constant(probs)};
}

const OpInfo& attention_info() {
  static const OpInfo info{
      .name = "attention",
      .formula = formula,
      .inputs = {{"q", "(B, Lq, d)"},
                 {"k", "(B, Lk, d)"},
                 {"v", "(B, Lk, d)"},
                 {"mask", "(B, Lk)", Kind::constant, true}},
      .params = {{"heads", 1.0, "number of heads, a divisor of d"}},
      .samples = {{"one_head", {normal(2, 3, 2), normal(2, 4, 2), normal(2, 4, 2)}},
                  {"two_heads", {normal(1, 2, 4), normal(1, 3, 4), normal(1, 3, 4)}, {{"heads", 2.0}}},
                  {"masked",
                   {normal(2, 2, 4), normal(2, 3, 4), normal(2, 3, 4), list({2, 3}, {1, 0, 1, 1, 1, 0})},
                   {{"heads", 2.0}}},
                  {"all_masked", {normal(2, 2, 2), normal(2, 3, 2), normal(2, 3, 2), list({2, 3}, {0, 0, 0, 1, 1, 1})}},
                  {"one_query", {normal(1, 1, 3), normal(1, 4, 3), normal(1, 4, 3)}, {{"heads", 3.0}}}},
      .errors = {{{"width", {normal(2, 3, 4), normal(2, 3, 2), normal(2, 3, 2)}},
                  "[attention] k (2, 3, 2) must be (B, Lk, d) with B and d of q, got q (2, 3, 4)"},
                 {{"values", {normal(2, 3, 4), normal(2, 3, 4), normal(2, 2, 4)}},
                  "[attention] v (2, 2, 4) must be (B, Lk, d), the shape of k, got k (2, 3, 4)"},
                 {{"heads", {normal(1, 2, 4), normal(1, 3, 4), normal(1, 3, 4)}, {{"heads", 3.0}}},
                  "[attention] heads = 3 must be a divisor of d, the last size of q"},
                 {{"fraction", {normal(1, 2, 4), normal(1, 3, 4), normal(1, 3, 4)}, {{"heads", 2.7}}},
                  "[attention] heads = 2.7 must be a whole number from 1 to 65536"},
                 {{"mask", {normal(1, 2, 4), normal(1, 3, 4), normal(1, 3, 4), fill(1, {1, 2})}},
                  "[attention] mask (1, 2) must be (B, Lk) of k, got k (1, 3, 4)"}},
      .apply = [](const Call& c) -> Outputs {
        const Attention a = attention(c[0], c[1], c[2], c[3], static_cast<int>(c.integer("heads", 1, 65536)));
        return {a.y, a.probs};
      },
      .reference = [](const Call& c) -> Outputs {
        const Attention a = composed::attention(c[0], c[1], c[2], c[3], static_cast<int>(c.integer("heads", 1, 65536)));
        return {a.y, a.probs};
      },
      .outputs = {"value", "probs"}};
  return info;
}

}  // namespace triptych
