#include "ops/moe_pool.h"

#include "core/require.h"
#include "ops/dispatch.h"
#include "ops/masked_mean.h"
#include "ops/moe_feed_forward.h"
#include "ops/reshape.h"
#include "ops/scale.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
moe_pool: x (B, L, d), gates g (B L, k), index int32 (B L, k), w1 (experts, hidden, d), b1 (experts, hidden),
          w2 (experts, d, hidden), b2 (experts, d)  ->  y (B, d)

  forward   h_e(x) = gelu(x W1_e^T + b1_e);   over the choices (t, j) of sample b that went to expert e:
            P_eb = sum g_tj h_e(x_t),   c_be = sum g_tj;   y_b = sum_e P_eb W2_e^T + c_be b2_e
            which is sum_t moe_feed_forward(x)_t with the second layer, a linear map, taken out of the sum over tokens
  backward  dP_eb = dy_b W2_e,   dc_be = dy_b . b2_e;   dW2_e = sum_b dy_b^T P_eb,   db2_e = sum_b c_be dy_b
            dg_tj = dP_eb . h_e(x_t) + dc_be;   da = g_tj gelu'(a) dP_eb;   dW1_e = sum da^T x_t,   db1_e = sum da,
            dx_t = sum_j da W1_e
  saves     x, w1, w2, b2, P, c and the input of each gelu for every choice
  source    ops/moe_feed_forward.h
)";

Var composed(const Var& x, const Var& gates, const Var& index, const Var& w1, const Var& b1, const Var& w2,
             const Var& b2) {
  const std::int64_t batch = x.shape()[0], tokens = x.shape()[1], d = x.shape()[2];
  const Var y = moe_feed_forward(reshape(x, {batch * tokens, d}), gates, index, w1, b1, w2, b2);
  return scale(masked_mean(reshape(y, {batch, tokens, d}), {}), static_cast<double>(tokens));
}

}  // namespace

Var moe_pool(const Var& x, const Var& gates, const Var& index, const Var& w1, const Var& b1, const Var& w2,
             const Var& b2) {
  constexpr std::string_view op = "moe_pool";
  require(x.shape().rank() == 3, op, "x", x, "(B, L, d)");
  require_experts(op, x, gates, index, w1, b1, w2, b2);
  const Kernels& k = x.kernels();
  if (!k.expert_pool) return composed(x, gates, index, w1, b1, w2, b2);
  const DType dtype = x.dtype();
  const Experts w{w1.value(), b1.value(), w2.value(), b2.value()};
  const Dispatch to(index.value(), w.count());
  const std::int64_t batch = x.shape()[0], length = x.shape()[1], d = w.width(), hidden = w.hidden(), count = w.count();
  const ExpertSizes s{count, to.rows, d, hidden, batch};

  const Tensor xs = gathered(k, x.value(), to.token, to.rows, d),
               gate = gathered(k, gates.value(), to.slot, to.rows, 1);
  Tensor bag({to.room}, DType::i32), c = Tensor::zeros({batch, count}, dtype);
  for (std::int64_t e = 0; e < count; ++e)
    for (std::int64_t r = to.begin(e); r < to.begin(e + 1); ++r) {
      const auto b = static_cast<std::int32_t>(to.token.data<std::int32_t>()[r] / length);
      bag.data<std::int32_t>()[r] = b;
      c.set(b * count + e, c.at(b * count + e) + gate.at(r));
    }
  Tensor pooled({count, batch, hidden}, dtype), pre({to.room, hidden}, dtype), y({batch, d}, dtype);
  k.expert_pool(s, xs.view(), to.start.view(), bag.view(), gate.view(), w.w1.view(), w.b1.view(), pooled.view(),
                pre.view());
  k.gemm({.m = batch, .n = d, .k = count}, c.view(), w.b2.view(), y.view());
  for (std::int64_t e = 0; e < count; ++e)
    k.gemm({.trans_b = true, .m = batch, .n = d, .k = hidden, .beta = 1}, from(pooled, e * batch * hidden),
           from(w.w2, e * w.matrix()), y.view());

  return record(op, y, {x, gates, index, w1, b1, w2, b2},
                [&k, s, to, w, bag, gate, c, pooled, pre, x = x.value(), choices = gates.shape(),
                 wanted = x.requires_grad()](const Tensor& dy) -> Grads {
                  const DType dtype = dy.dtype();
                  const std::int64_t d = s.in, hidden = s.hidden, matrix = w.matrix();
                  Tensor dpooled(pooled.shape(), dtype), dw1(w.w1.shape(), dtype), db1(w.b1.shape(), dtype),
                      dw2(w.w2.shape(), dtype), db2(w.b2.shape(), dtype), dgate({to.room}, dtype), dc(c.shape(), dtype);
                  for (std::int64_t e = 0; e < s.experts; ++e) {
                    k.gemm({.m = s.bags, .n = hidden, .k = d}, dy.view(), from(w.w2, e * matrix),
                           from(dpooled, e * s.bags * hidden));
                    k.gemm({.trans_a = true, .m = d, .n = hidden, .k = s.bags}, dy.view(),
                           from(pooled, e * s.bags * hidden), from(dw2, e * matrix));
                  }
                  k.gemm({.trans_a = true, .m = s.experts, .n = d, .k = s.bags}, c.view(), dy.view(), db2.view());
                  k.gemm({.trans_b = true, .m = s.bags, .n = s.experts, .k = d}, dy.view(), w.b2.view(), dc.view());
                  const Tensor xs = gathered(k, x, to.token, to.rows, d);
                  Tensor dxs = wanted ? Tensor({to.room, d}, dtype) : Tensor{}, dx;
                  k.expert_pool_backward(s, dpooled.view(), xs.view(), to.start.view(), bag.view(), gate.view(),
                                         w.w1.view(), pre.view(), dxs.view(), dgate.view(), dw1.view(), db1.view());
                  for (std::int64_t e = 0; e < s.experts; ++e)
                    for (std::int64_t r = to.begin(e); r < to.begin(e + 1); ++r)
                      dgate.set(r, dgate.at(r) + dc.at(bag.data<std::int32_t>()[r] * s.experts + e));
                  if (wanted) {
                    dx = Tensor(x.shape(), dtype);
                    k.gather_backward(dxs.view(), to.token.view(), dx.view(), s.rows, x.shape().rows(), d);
                  }
                  return {dx, gathered(k, dgate, to.row, choices.count(), 1).reshaped(choices), Tensor{}, dw1, db1, dw2,
                          db2};
                });
}

const OpInfo& moe_pool_info() {
  const auto sample = [](std::string_view name, Shape x, std::int64_t experts, std::int64_t hidden, Draw index) {
    const Shape choices = index.shape;
    const std::int64_t d = x.back();
    return Sample{
        name,
        {Draw{Draw::Law::normal, x, 0, 1, {}}, uniform(0.2, 0.9, choices), std::move(index), normal(experts, hidden, d),
         normal(experts, hidden), normal(experts, d, hidden), normal(experts, d)}};
  };
  static const OpInfo info{
      .name = "moe_pool",
      .formula = formula,
      .inputs = {{"x", "(B, L, d)"},
                 {"gates", "(B L, k)"},
                 {"index", "(B L, k)", Kind::index},
                 {"w1", "(experts, hidden, d)"},
                 {"b1", "(experts, hidden)"},
                 {"w2", "(experts, d, hidden)"},
                 {"b2", "(experts, d)"}},
      .samples = {sample("top_1", {2, 2, 2}, 3, 3, list({4, 1}, {2, 0, 2, 1})),
                  sample("top_2", {2, 2, 3}, 3, 2, list({4, 2}, {2, 0, 0, 1, 2, 1, 1, 2})),
                  sample("dropped", {2, 2, 2}, 2, 3, list({4, 2}, {1, -1, -1, -1, 0, 1, -1, 1})),
                  sample("idle_expert", {1, 3, 2}, 3, 2, list({3, 1}, {2, 0, 2})),
                  sample("width_one", {3, 1, 1}, 1, 1, list({3, 1}, {0, 0, -1}))},
      .errors = {{sample("rank", {2, 2}, 2, 3, list({2, 1}, {0, 1})), "[moe_pool] x (2, 2) must be (B, L, d)"},
                 {sample("gates", {3, 2, 2}, 2, 3, list({5, 1}, {0, 1, 0, 1, 0})),
                  "[moe_pool] gates (5, 1) must be (tokens, k), got x (3, 2, 2)"},
                 {sample("index", {1, 2, 2}, 2, 3, list({2, 1}, {0, 2})),
                  "[moe_pool] index[1] = 2 must be an expert, or negative, got w1 (2, 3, 2)"}},
      .apply = [](const Call& c) -> Outputs { return {moe_pool(c[0], c[1], c[2], c[3], c[4], c[5], c[6])}; },
      .reference = [](const Call& c) -> Outputs { return {composed(c[0], c[1], c[2], c[3], c[4], c[5], c[6])}; }};
  return info;
}

}  // namespace triptych
