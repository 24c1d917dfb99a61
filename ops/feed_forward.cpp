#include "ops/feed_forward.h"

#include "core/require.h"
#include "ops/composed.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
feed_forward: x (..., in), w1 (hidden, in), b1 (hidden), w2 (out, hidden), b2 (out)  ->  y (..., out)

  forward   A = X W1^T + b1,   G = gelu(A),   Y = G W2^T + b2
  backward  dA = (dY W2) gelu'(A), entry by entry;   dX = dA W1;   dW1 = dA^T X;   db1 = sum_rows(dA);
            dW2 = dY^T G;   db2 = sum_rows(dY)
  saves     x, w1, w2, A (G is recomputed)
  source    Vaswani et al. 2017, arXiv 1706.03762, eq. 2, with gelu for relu
)";

}  // namespace

Var feed_forward(const Var& x, const Var& w1, const Var& b1, const Var& w2, const Var& b2) {
  constexpr std::string_view op = "feed_forward";
  require(x.shape().rank() >= 1, op, "x", x, "(..., in)");
  const std::int64_t in = x.shape().back();
  require(w1.shape().rank() == 2 && w1.shape()[1] == in, op, "w1", w1, "(hidden, in) with in = last size of x", "x", x);
  const std::int64_t hidden = w1.shape()[0];
  require(b1.shape() == Shape{hidden}, op, "b1", b1, "(hidden) with hidden = first size of w1", "w1", w1);
  require(w2.shape().rank() == 2 && w2.shape()[1] == hidden, op, "w2", w2,
          "(out, hidden) with hidden = first size of w1", "w1", w1);
  const std::int64_t out = w2.shape()[0];
  require(b2.shape() == Shape{out}, op, "b2", b2, "(out) with out = first size of w2", "w2", w2);
  const Kernels& k = x.kernels();
  if (!k.feed_forward) return composed::feed_forward(x, w1, b1, w2, b2);
  const FeedForwardSizes s{x.shape().rows(), in, hidden, out};
  Tensor y(x.shape().with_last(out), x.dtype()), pre({s.rows, hidden}, x.dtype());
  k.feed_forward(s, x.value().view(), w1.value().view(), b1.value().view(), w2.value().view(), b2.value().view(),
                 y.view(), pre.view());
  return record(op, y, {x, w1, b1, w2, b2},
                [&k, s, x = x.value(), w1 = w1.value(), w2 = w2.value(), pre,
                 wanted = x.requires_grad()](const Tensor& dy) -> Grads {
                  const DType t = dy.dtype();
                  Tensor dw1(w1.shape(), t), db1({s.hidden}, t), dw2(w2.shape(), t), db2({s.out}, t), dx;
                  if (wanted) dx = Tensor(x.shape(), t);
                  k.feed_forward_backward(s, dy.view(), x.view(), w1.view(), w2.view(), pre.view(), dx.view(),
                                          dw1.view(), db1.view(), dw2.view(), db2.view());
                  return {dx, dw1, db1, dw2, db2};
                });
}

const OpInfo& feed_forward_info() {
  static const OpInfo info{
      .name = "feed_forward",
      .formula = formula,
      .inputs =
          {{"x", "(..., in)"}, {"w1", "(hidden, in)"}, {"b1", "(hidden)"}, {"w2", "(out, hidden)"}, {"b2", "(out)"}},
      .samples = {{"rows", {normal(3, 2), normal(4, 2), normal(4), normal(3, 4), normal(3)}},
                  {"tokens", {normal(2, 2, 3), normal(2, 3), normal(2), normal(3, 2), normal(3)}},
                  {"one_row", {normal(1, 2), normal(3, 2), normal(3), normal(2, 3), normal(2)}},
                  {"width_one", {normal(3, 1), normal(1, 1), normal(1), normal(1, 1), normal(1)}}},
      .errors = {{{"w1", {normal(3, 2), normal(4, 3), normal(4), normal(3, 4), normal(3)}},
                  "[feed_forward] w1 (4, 3) must be (hidden, in) with in = last size of x, got x (3, 2)"},
                 {{"b1", {normal(3, 2), normal(4, 2), normal(3), normal(3, 4), normal(3)}},
                  "[feed_forward] b1 (3) must be (hidden) with hidden = first size of w1, got w1 (4, 2)"},
                 {{"w2", {normal(3, 2), normal(4, 2), normal(4), normal(3, 3), normal(3)}},
                  "[feed_forward] w2 (3, 3) must be (out, hidden) with hidden = first size of w1, got w1 (4, 2)"},
                 {{"b2", {normal(3, 2), normal(4, 2), normal(4), normal(3, 4), normal(4)}},
                  "[feed_forward] b2 (4) must be (out) with out = first size of w2, got w2 (3, 4)"}},
      .apply = [](const Call& c) -> Outputs { return {feed_forward(c[0], c[1], c[2], c[3], c[4])}; },
      .reference = [](const Call& c) -> Outputs { return {composed::feed_forward(c[0], c[1], c[2], c[3], c[4])}; }};
  return info;
}

}  // namespace triptych
