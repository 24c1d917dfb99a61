#include "ops/linear.h"

#include "core/require.h"
#include "ops/composed.h"
#include "ops/live_rows.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
linear: x (..., in), w (out, in), b (out) or absent  ->  y (..., out)

  forward   Y = X W^T + b, one row of X at a time
  backward  dX = dY W;   dW = dY^T X;   db = sum_rows(dY);   rows of zeros in dY, where they are half or more, left out
  saves     x, w
  source    Goodfellow, Bengio, Courville 2016, "Deep learning", 6.5.4
)";

}  // namespace

Var linear(const Var& x, const Var& w, const Var& b) {
  require(x.shape().rank() >= 1, "linear", "x", x, "(..., in)");
  const std::int64_t in = x.shape().back(), rows = x.shape().rows();
  require(w.shape().rank() == 2 && w.shape()[1] == in, "linear", "w", w, "(out, in) with in = last size of x", "x", x);
  const std::int64_t out = w.shape()[0];
  if (b) require(b.shape() == Shape{out}, "linear", "b", b, "(out) with out = first size of w", "w", w);
  const Kernels& k = x.kernels();
  Tensor y(x.shape().with_last(out), x.dtype());
  k.gemm({.trans_b = true, .m = rows, .n = out, .k = in}, x.value().view(), w.value().view(), y.view());
  if (b) k.add_bias(b.value().view(), y.view(), rows, out);
  return record("linear", y, {x, w, b},
                [&k, x = x.value(), w = w.value(), rows, in, out, want_x = x.requires_grad(),
                 want_w = w.requires_grad(), want_b = b.requires_grad()](const Tensor& dy) -> Grads {
                  const LiveRows live(k, dy, rows);
                  const std::int64_t n = live.count();
                  const Tensor upstream = live.of(dy);
                  Tensor dx, dw, db;
                  if (want_x) {
                    const Tensor rows_of_dx(n == rows ? x.shape() : Shape{n, in}, x.dtype());
                    k.gemm({.m = n, .n = in, .k = out}, upstream.view(), w.view(), rows_of_dx.view());
                    dx = live.among_zeros(rows_of_dx, x.shape());
                  }
                  if (want_w) {
                    dw = Tensor(w.shape(), x.dtype());
                    k.gemm({.trans_a = true, .m = out, .n = in, .k = n}, upstream.view(), live.of(x).view(), dw.view());
                  }
                  if (want_b) {
                    db = Tensor({out}, x.dtype());
                    k.sum_rows(upstream.view(), db.view(), n, out);
                  }
                  return {dx, dw, db};
                });
}

const OpInfo& linear_info() {
  static const OpInfo info{.name = "linear",
                           .formula = formula,
                           .inputs = {{"x", "(..., in)"}, {"w", "(out, in)"}, {"b", "(out)", Kind::real, true}},
                           .samples = {{"rows", {normal(4, 3), normal(5, 3), normal(5)}},
                                       {"no_bias", {normal(4, 3), normal(5, 3)}},
                                       {"tokens", {normal(2, 3, 4), normal(2, 4), normal(2)}},
                                       {"one_row", {normal(1, 3), normal(2, 3), normal(2)}},
                                       {"width_one", {normal(4, 1), normal(1, 1), normal(1)}}},
                           .errors = {{{"in_size", {normal(4, 3), normal(5, 4), normal(5)}},
                                       "[linear] w (5, 4) must be (out, in) with in = last size of x, got x (4, 3)"},
                                      {{"bias_size", {normal(4, 3), normal(5, 3), normal(3)}},
                                       "[linear] b (3) must be (out) with out = first size of w, got w (5, 3)"},
                                      {{"scalar", {normal(), normal(5, 3)}}, "[linear] x () must be (..., in)"}},
                           .apply = [](const Call& c) -> Outputs { return {linear(c[0], c[1], c[2])}; },
                           .reference = [](const Call& c) -> Outputs { return {composed::linear(c[0], c[1], c[2])}; }};
  return info;
}

}  // namespace triptych
