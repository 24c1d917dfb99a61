#include "ops/moe_feed_forward.h"

#include <cmath>

#include "core/require.h"
#include "ops/dispatch.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
moe_feed_forward: x (tokens, d), gates g (tokens, k), index int32 (tokens, k), w1 (experts, hidden, d),
                  b1 (experts, hidden), w2 (experts, d, hidden), b2 (experts, d)  ->  y (tokens, d)

  forward   f_e(x) = gelu(x W1_e^T + b1_e) W2_e^T + b2_e;   y_t = sum_j g_tj f_{index_tj}(x_t) over index_tj >= 0
            each expert's tokens are gathered into one block, as products like them
  backward  dg_tj = dy_t . f_{index_tj}(x_t);   each expert receives g_tj dy_t for its rows, see feed_forward;
            dx_t = sum of its rows, by expert
  saves     x, the weights, f and the input of each gelu for every row
  source    Shazeer et al. 2017, arXiv 1701.06538, eq. 1; Fedus et al. 2022, arXiv 2101.03961
)";

FeedForwardSizes sizes(const Experts& w, std::int64_t rows) { return {rows, w.width(), w.hidden(), w.width()}; }

}  // namespace

Var moe_feed_forward(const Var& x, const Var& gates, const Var& index, const Var& w1, const Var& b1, const Var& w2,
                     const Var& b2) {
  constexpr std::string_view op = "moe_feed_forward";
  require(x.shape().rank() == 2, op, "x", x, "(tokens, d)");
  require_experts(op, x, gates, index, w1, b1, w2, b2);
  const Kernels& k = x.kernels();
  const DType dtype = x.dtype();
  const Experts w{w1.value(), b1.value(), w2.value(), b2.value()};
  const std::int64_t tokens = x.shape()[0], d = w.width(), hidden = w.hidden();
  const Dispatch to(index.value(), w.count());

  const Tensor xs = gathered(k, x.value(), to.token, to.rows, d),
               gate = gathered(k, gates.value(), to.slot, to.rows, 1);
  Tensor f({to.room, d}, dtype), pre({to.room, hidden}, dtype), weighted({to.room, d}, dtype), y({tokens, d}, dtype);
  for (std::int64_t e = 0; e < w.count(); ++e)
    if (const std::int64_t row = to.begin(e); to.size(e) > 0)
      k.feed_forward(sizes(w, to.size(e)), from(xs, row * d), from(w.w1, e * w.matrix()), from(w.b1, e * hidden),
                     from(w.w2, e * w.matrix()), from(w.b2, e * d), from(f, row * d), from(pre, row * hidden));
  k.scale_rows(f.view(), gate.view(), weighted.view(), to.rows, d);
  k.gather_backward(weighted.view(), to.token.view(), y.view(), to.rows, tokens, d);

  return record(
      op, y, {x, gates, index, w1, b1, w2, b2},
      [&k, to, w, f, pre, gate, x = x.value(), choices = gates.shape(),
       wanted = x.requires_grad()](const Tensor& dy) -> Grads {
        const DType dtype = dy.dtype();
        const std::int64_t d = w.width(), hidden = w.hidden(), matrix = w.matrix(), n = to.rows * d;
        const Tensor xs = gathered(k, x, to.token, to.rows, d), df = gathered(k, dy, to.token, to.rows, d);

        Tensor product({to.room, d}, dtype), dgate({to.room}, dtype);
        k.binary(Binary::mul, df.view(), f.view(), product.view(), n, n);
        k.gemm({.m = to.rows, .n = 1, .k = d}, product.view(), Tensor::full({d}, dtype, 1).view(), dgate.view());
        const Tensor dgates = gathered(k, dgate, to.row, choices.count(), 1).reshaped(choices);

        k.scale_rows(df.view(), gate.view(), df.view(), to.rows, d);
        Tensor dw1(w.w1.shape(), dtype), db1(w.b1.shape(), dtype), dw2(w.w2.shape(), dtype), db2(w.b2.shape(), dtype);
        Tensor dx, dxs = wanted ? product : Tensor{};  // its memory is free by now
        for (std::int64_t e = 0; e < w.count(); ++e) {
          const std::int64_t row = to.begin(e);
          k.feed_forward_backward(sizes(w, to.size(e)), from(df, row * d), from(xs, row * d), from(w.w1, e * matrix),
                                  from(w.w2, e * matrix), from(pre, row * hidden), wanted ? from(dxs, row * d) : View{},
                                  from(dw1, e * matrix), from(db1, e * hidden), from(dw2, e * matrix),
                                  from(db2, e * d));
        }
        if (wanted) {
          dx = Tensor(x.shape(), dtype);
          k.gather_backward(dxs.view(), to.token.view(), dx.view(), to.rows, x.shape()[0], d);
        }
        return {dx, dgates, Tensor{}, dw1, db1, dw2, db2};
      });
}

namespace {

// Token by token and choice by choice, in double.
Outputs one_by_one(const Call& c) {
  const Tensor &x = c[0].value(), &gates = c[1].value(), &index = c[2].value(), &w1 = c[3].value(), &b1 = c[4].value(),
               &w2 = c[5].value(), &b2 = c[6].value();
  const std::int64_t tokens = x.shape()[0], d = x.shape()[1], k = gates.shape()[1], hidden = w1.shape()[1];
  Tensor y = Tensor::zeros({tokens, d}, x.dtype());
  for (std::int64_t i = 0; i < tokens * k; ++i) {
    const std::int64_t t = i / k, e = static_cast<std::int64_t>(index.at(i));
    if (e < 0) continue;
    for (std::int64_t o = 0; o < d; ++o) y.set(t * d + o, y.at(t * d + o) + gates.at(i) * b2.at(e * d + o));
    for (std::int64_t h = 0; h < hidden; ++h) {
      double a = b1.at(e * hidden + h);
      for (std::int64_t j = 0; j < d; ++j) a += x.at(t * d + j) * w1.at((e * hidden + h) * d + j);
      const double g = gates.at(i) * a * 0.5 * std::erfc(-a / std::sqrt(2.0));
      for (std::int64_t o = 0; o < d; ++o) y.set(t * d + o, y.at(t * d + o) + g * w2.at((e * d + o) * hidden + h));
    }
  }
  return {c.tape.constant(y)};
}

}  // namespace

const OpInfo& moe_feed_forward_info() {
  const auto sample = [](std::string_view name, std::int64_t experts, std::int64_t d, std::int64_t hidden, Draw index) {
    const Shape choices = index.shape;
    return Sample{name,
                  {normal(choices[0], d), uniform(0.2, 0.9, choices), std::move(index), normal(experts, hidden, d),
                   normal(experts, hidden), normal(experts, d, hidden), normal(experts, d)}};
  };
  static const OpInfo info{
      .name = "moe_feed_forward",
      .formula = formula,
      .inputs = {{"x", "(tokens, d)"},
                 {"gates", "(tokens, k)"},
                 {"index", "(tokens, k)", Kind::index},
                 {"w1", "(experts, hidden, d)"},
                 {"b1", "(experts, hidden)"},
                 {"w2", "(experts, d, hidden)"},
                 {"b2", "(experts, d)"}},
      .samples = {sample("top_1", 3, 2, 3, list({4, 1}, {2, 0, 2, 1})),
                  sample("top_2", 3, 3, 2, list({4, 2}, {2, 0, 0, 1, 2, 1, 1, 2})),
                  sample("dropped", 2, 2, 3, list({4, 2}, {1, -1, -1, -1, 0, 1, -1, 1})),
                  sample("idle_expert", 3, 2, 2, list({3, 1}, {2, 0, 2})),
                  sample("width_one", 1, 1, 1, list({3, 1}, {0, 0, -1}))},
      .errors = {{sample("index", 2, 2, 3, list({2, 1}, {0, 2})),
                  "[moe_feed_forward] index[1] = 2 must be an expert, or negative, got w1 (2, 3, 2)"},
                 {{"gates",
                   {normal(3, 2), normal(2, 1), list({2, 1}, {0, 0}), normal(1, 3, 2), normal(1, 3), normal(1, 2, 3),
                    normal(1, 2)}},
                  "[moe_feed_forward] gates (2, 1) must be (tokens, k), got x (3, 2)"},
                 {{"w2",
                   {normal(2, 2), normal(2, 1), list({2, 1}, {0, 0}), normal(1, 3, 2), normal(1, 3), normal(1, 3, 2),
                    normal(1, 2)}},
                  "[moe_feed_forward] w2 (1, 3, 2) must be (experts, d, hidden), got w1 (1, 3, 2)"}},
      .apply = [](const Call& c) -> Outputs { return {moe_feed_forward(c[0], c[1], c[2], c[3], c[4], c[5], c[6])}; },
      .reference = one_by_one};
  return info;
}

}  // namespace triptych
