#include "ops/grouped_linear.h"

#include "core/require.h"
#include "ops/composed.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
grouped_linear: x (..., g, in), w (g, out, in)  ->  y (..., g, out);   trans_w: w (g, in, out)

  forward   y_i = x_i W_i^T        one row of X and one group i at a time;   trans_w: y_i = x_i W_i
  backward  dX_i = dY_i W_i;   dW_i = dY_i^T X_i                             trans_w: dX_i = dY_i W_i^T;   dW_i = X_i^T dY_i
  saves     x, w
  source    linear, group by group: the maps of the heads in Vaswani et al. 2017, arXiv 1706.03762, section 3.2.2
)";

// Strides of a tensor (rows, groups, width) whose groups are multiplied one by one, and of weights (groups, a, b).
struct Groups {
  std::int64_t rows, groups;
  // y_i = x_i op(W_i), x_i of width k and y_i of width n.
  Gemm rows_by_weight(bool trans_w, std::int64_t k, std::int64_t n) const {
    return {.trans_b = trans_w,
            .m = rows,
            .n = n,
            .k = k,
            .batch = groups,
            .stride_a = k,
            .stride_b = k * n,
            .stride_c = n,
            .lda = groups * k,
            .ldc = groups * n};
  }
  // W_i = a_i^T b_i, a_i of width m and b_i of width n.
  Gemm weight(std::int64_t m, std::int64_t n) const {
    return {.trans_a = true,
            .m = m,
            .n = n,
            .k = rows,
            .batch = groups,
            .stride_a = m,
            .stride_b = n,
            .stride_c = m * n,
            .lda = groups * m,
            .ldb = groups * n};
  }
};

}  // namespace

Var grouped_linear(const Var& x, const Var& w, bool trans_w) {
  require(x.shape().rank() >= 2, "grouped_linear", "x", x, "(..., g, in)");
  const std::int64_t g = x.shape()[-2], in = x.shape().back();
  require(w.shape().rank() == 3 && w.shape()[0] == g && w.shape()[trans_w ? 1 : 2] == in, "grouped_linear", "w", w,
          trans_w ? "(g, in, out) with the last sizes g, in of x" : "(g, out, in) with the last sizes g, in of x", "x",
          x);
  const std::int64_t out = w.shape()[trans_w ? 2 : 1];
  const Groups s{x.shape().without_last().without_last().count(), g};
  const Kernels& k = x.kernels();
  Tensor y(x.shape().with_last(out), x.dtype());
  k.gemm(s.rows_by_weight(!trans_w, in, out), x.value().view(), w.value().view(), y.view());
  return record("grouped_linear", y, {x, w},
                [&k, x = x.value(), w = w.value(), s, in, out, trans_w, want_x = x.requires_grad(),
                 want_w = w.requires_grad()](const Tensor& dy) -> Grads {
                  Tensor dx, dw;
                  if (want_x) {
                    dx = Tensor(x.shape(), x.dtype());
                    k.gemm(s.rows_by_weight(trans_w, out, in), dy.view(), w.view(), dx.view());
                  }
                  if (want_w) {
                    dw = Tensor(w.shape(), x.dtype());
                    if (trans_w)
                      k.gemm(s.weight(in, out), x.view(), dy.view(), dw.view());
                    else
                      k.gemm(s.weight(out, in), dy.view(), x.view(), dw.view());
                  }
                  return {dx, dw};
                });
}

const OpInfo& grouped_linear_info() {
  static const OpInfo info{
      .name = "grouped_linear",
      .formula = formula,
      .inputs = {{"x", "(..., g, in)"}, {"w", "(g, out, in)"}},
      .params = {{"trans_w", false, "w is stored (g, in, out)"}},
      .samples = {{"rows", {normal(4, 2, 3), normal(2, 5, 3)}},
                  {"trans_w", {normal(4, 2, 3), normal(2, 3, 5)}, {{"trans_w", true}}},
                  {"one_row", {normal(3, 2), normal(3, 4, 2)}},
                  {"one_group", {normal(3, 1, 2), normal(1, 4, 2)}},
                  {"tokens", {normal(2, 3, 2, 2), normal(2, 2, 2)}, {{"trans_w", true}}}},
      .errors = {{{"width", {normal(4, 2, 3), normal(2, 3, 5)}},
                  "[grouped_linear] w (2, 3, 5) must be (g, out, in) with the last sizes g, in of x, got x (4, 2, 3)"},
                 {{"groups", {normal(4, 2, 3), normal(3, 3, 5)}, {{"trans_w", true}}},
                  "[grouped_linear] w (3, 3, 5) must be (g, in, out) with the last sizes g, in of x, got x (4, 2, 3)"},
                 {{"vector", {normal(3), normal(1, 2, 3)}}, "[grouped_linear] x (3) must be (..., g, in)"}},
      .apply = [](const Call& c) -> Outputs { return {grouped_linear(c[0], c[1], c.flag("trans_w"))}; },
      .reference = [](const Call& c) -> Outputs { return {composed::grouped_linear(c[0], c[1], c.flag("trans_w"))}; }};
  return info;
}

}  // namespace triptych
