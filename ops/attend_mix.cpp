#include "ops/attend_mix.h"

#include "core/require.h"
#include "ops/composed.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
attend_mix: q (r, d), x (B, L, d), mix M (s, r), mask (B, L) with 1 = real token, or absent  ->  y (B, s, d)

  forward   P = softmax(Q X^T) over the real tokens,   Y = (M P) X                                     per sample
  backward  dP = M^T (dY X^T);   dS = P (dP - rowsum(P dP)), entry by entry;   dX = dS^T Q + (M P)^T dY
            dQ = sum over samples of dS X
  saves     q, x, P, M P
  stable    the largest real logit of a row is subtracted
  domain    a sample with no real token has P = 0, y = 0 and gradients 0;   mask and M are constants
  source    attend, and the associativity of M (P X)
)";

struct Sizes {
  std::int64_t batch, queries, mixed, tokens, width;
  Gemm each(std::int64_t m, std::int64_t n, std::int64_t k) const { return {.m = m, .n = n, .k = k, .batch = batch}; }
};

}  // namespace

Var attend_mix(const Var& q, const Var& x, const Var& mix, const Var& mask) {
  require(x.shape().rank() == 3, "attend_mix", "x", x, "(B, L, d)");
  require(q.shape().rank() == 2 && q.shape()[1] == x.shape()[2], "attend_mix", "q", q, "(r, d) with d of x", "x", x);
  require(mix.shape().rank() == 2 && mix.shape()[1] == q.shape()[0], "attend_mix", "mix", mix, "(s, r) with r of q",
          "q", q);
  require_constant("attend_mix", "mix", mix);
  if (mask) {
    require(mask.shape() == x.shape().without_last(), "attend_mix", "mask", mask, "(B, L) of x", "x", x);
    require_constant("attend_mix", "mask", mask);
  }
  const Sizes s{x.shape()[0], q.shape()[0], mix.shape()[0], x.shape()[1], x.shape()[2]};
  const std::int64_t maps = s.queries * s.tokens, means = s.mixed * s.tokens, tokens = s.tokens * s.width;
  const Kernels& k = x.kernels();
  Tensor p({s.batch, s.queries, s.tokens}, x.dtype()), mp({s.batch, s.mixed, s.tokens}, x.dtype()),
      y({s.batch, s.mixed, s.width}, x.dtype());
  Gemm logits = s.each(s.queries, s.tokens, s.width), mean = s.each(s.mixed, s.tokens, s.queries),
       reading = s.each(s.mixed, s.width, s.tokens);
  logits.trans_b = true, logits.stride_b = tokens, logits.stride_c = maps;
  mean.stride_b = maps, mean.stride_c = means;
  reading.stride_a = means, reading.stride_b = tokens, reading.stride_c = s.mixed * s.width;
  k.gemm(logits, q.value().view(), x.value().view(), p.view());
  k.softmax(p.view(), mask ? mask.value().view() : View{}, p.view(), s.batch * s.queries, s.tokens, s.queries);
  k.gemm(mean, mix.value().view(), p.view(), mp.view());
  k.gemm(reading, mp.view(), x.value().view(), y.view());
  return record("attend_mix", y, {q, x},
                [&k, s, maps, means, tokens, q = q.value(), x = x.value(), mix = mix.value(), p, mp,
                 want_q = q.requires_grad(), want_x = x.requires_grad()](const Tensor& dy) -> Grads {
                  Tensor dmp(mp.shape(), x.dtype()), ds(p.shape(), x.dtype()), dq, dx;
                  Gemm of_mean = s.each(s.mixed, s.tokens, s.width), of_maps = s.each(s.queries, s.tokens, s.mixed);
                  of_mean.trans_b = true, of_mean.stride_a = s.mixed * s.width, of_mean.stride_b = tokens,
                  of_mean.stride_c = means;
                  of_maps.trans_a = true, of_maps.stride_b = means, of_maps.stride_c = maps;
                  k.gemm(of_mean, dy.view(), x.view(), dmp.view());
                  k.gemm(of_maps, mix.view(), dmp.view(), ds.view());
                  k.softmax_backward(p.view(), ds.view(), ds.view(), s.batch * s.queries, s.tokens);
                  if (want_q) {  // one product over the tokens of all samples: their maps side by side
                    dq = Tensor(q.shape(), x.dtype());
                    Tensor beside({s.queries, s.batch * s.tokens}, x.dtype());
                    for (std::int64_t b = 0; b < s.batch; ++b)
                      k.copy_block(ds.view(), b * maps, s.tokens, beside.view(), b * s.tokens, s.batch * s.tokens,
                                   s.queries, s.tokens);
                    k.gemm({.m = s.queries, .n = s.width, .k = s.batch * s.tokens}, beside.view(), x.view(), dq.view());
                  }
                  if (want_x) {
                    dx = Tensor(x.shape(), x.dtype());
                    Gemm as_key = s.each(s.tokens, s.width, s.queries), as_value = s.each(s.tokens, s.width, s.mixed);
                    as_key.trans_a = as_value.trans_a = true;
                    as_key.stride_a = maps, as_key.stride_c = as_value.stride_c = tokens;
                    as_value.stride_a = means, as_value.stride_b = s.mixed * s.width, as_value.beta = 1;
                    k.gemm(as_key, ds.view(), q.view(), dx.view());
                    k.gemm(as_value, mp.view(), dy.view(), dx.view());
                  }
                  return {dq, dx};
                });
}

const OpInfo& attend_mix_info() {
  static const OpInfo info{
      .name = "attend_mix",
      .formula = formula,
      .inputs = {{"q", "(r, d)"},
                 {"x", "(B, L, d)"},
                 {"mix", "(s, r)", Kind::constant},
                 {"mask", "(B, L)", Kind::constant, true}},
      .samples = {{"means", {0.7 * normal(4, 3), normal(2, 5, 3), list({2, 4}, {0.5, 0.5, 0, 0, 0, 0, 0.5, 0.5})}},
                  {"masked",
                   {0.7 * normal(3, 2), normal(3, 3, 2), normal(2, 3), list({3, 3}, {1, 0, 1, 1, 1, 0, 0, 0, 0})}},
                  {"one_query", {normal(1, 3), normal(2, 4, 3), fill(1, {1, 1})}},
                  {"one_sample", {0.7 * normal(3, 2), normal(1, 4, 2), normal(1, 3)}}},
      .errors = {{{"width", {normal(4, 3), normal(2, 5, 2), normal(1, 4)}},
                  "[attend_mix] q (4, 3) must be (r, d) with d of x, got x (2, 5, 2)"},
                 {{"mix", {normal(4, 3), normal(2, 5, 3), normal(4, 1)}},
                  "[attend_mix] mix (4, 1) must be (s, r) with r of q, got q (4, 3)"},
                 {{"mask", {normal(4, 3), normal(2, 5, 3), normal(1, 4), fill(1, {2, 4})}},
                  "[attend_mix] mask (2, 4) must be (B, L) of x, got x (2, 5, 3)"},
                 {{"rank", {normal(4, 3), normal(5, 3), normal(1, 4)}}, "[attend_mix] x (5, 3) must be (B, L, d)"}},
      .apply = [](const Call& c) -> Outputs { return {attend_mix(c[0], c[1], c[2], c[3])}; },
      .reference = [](const Call& c) -> Outputs { return {composed::attend_mix(c[0], c[1], c[2], c[3])}; }};
  return info;
}

}  // namespace triptych
