#include "ops/matmul.h"

#include "core/require.h"
#include "ops/axis.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
matmul: a (..., m, k), b (..., k, n), equal leading axes  ->  y (..., m, n)
        trans_a: a is stored (..., k, m);  trans_b: b is stored (..., n, k)

  forward   Y = op(A) op(B),  op(X) = X or X^T
  backward  dop(A) = dY op(B)^T;   dop(B) = op(A)^T dY;   transposed once more where A or B is stored transposed
  saves     a, b
  source    Giles 2008, "An extended collection of matrix derivative results", 2.2.2
)";

// Writes x y of two matrices per batch entry; a flag says that the buffer holds the transpose.
struct Factor {
  const Tensor& x;
  bool transposed;
};
Tensor product(const Kernels& k, Factor a, Factor b, Shape shape) {
  const Shape &sa = a.x.shape(), &sb = b.x.shape();
  Tensor y(shape, a.x.dtype());
  Gemm g{.trans_a = a.transposed, .trans_b = b.transposed};
  g.m = shape[-2], g.n = shape[-1], g.k = sa[a.transposed ? -2 : -1];
  g.batch = shape.without_last().without_last().count();
  g.stride_a = sa[-1] * sa[-2], g.stride_b = sb[-1] * sb[-2], g.stride_c = g.m * g.n;
  k.gemm(g, a.x.view(), b.x.view(), y.view());
  return y;
}

}  // namespace

Var matmul(const Var& a, const Var& b, bool trans_a, bool trans_b) {
  const Shape &sa = a.shape(), &sb = b.shape();
  require(sa.rank() >= 2, "matmul", "a", a, trans_a ? "(..., k, m)" : "(..., m, k)");
  const std::string_view rule =
      trans_b ? "(..., n, k) with the leading axes and k of a" : "(..., k, n) with the leading axes and k of a";
  require(sb.rank() == sa.rank() && sb.without_last().without_last() == sa.without_last().without_last() &&
              sb[trans_b ? -1 : -2] == sa[trans_a ? -2 : -1],
          "matmul", "b", b, rule, "a", a);
  const Kernels& k = a.kernels();
  const Shape shape = with_size(sa, -2, sa[trans_a ? -1 : -2]).with_last(sb[trans_b ? -2 : -1]);
  return record("matmul", product(k, {a.value(), trans_a}, {b.value(), trans_b}, shape), {a, b},
                [&k, a = a.value(), b = b.value(), trans_a, trans_b, want_a = a.requires_grad(),
                 want_b = b.requires_grad()](const Tensor& dy) -> Grads {
                  Grads g{Tensor{}, Tensor{}};
                  if (want_a)
                    g[0] = trans_a ? product(k, {b, trans_b}, {dy, true}, a.shape())
                                   : product(k, {dy, false}, {b, !trans_b}, a.shape());
                  if (want_b)
                    g[1] = trans_b ? product(k, {dy, true}, {a, trans_a}, b.shape())
                                   : product(k, {a, !trans_a}, {dy, false}, b.shape());
                  return g;
                });
}

const OpInfo& matmul_info() {
  static const OpInfo info{
      .name = "matmul",
      .formula = formula,
      .inputs = {{"a", "(..., m, k)"}, {"b", "(..., k, n)"}},
      .params = {{"trans_a", false, "a is stored (..., k, m)"}, {"trans_b", false, "b is stored (..., n, k)"}},
      .samples = {{"plain", {normal(3, 4), normal(4, 2)}},
                  {"trans_a", {normal(4, 3), normal(4, 2)}, {{"trans_a", true}}},
                  {"trans_b", {normal(3, 4), normal(2, 4)}, {{"trans_b", true}}},
                  {"trans_both", {normal(4, 3), normal(2, 4)}, {{"trans_a", true}, {"trans_b", true}}},
                  {"batched", {normal(2, 3, 4), normal(2, 4, 2)}},
                  {"batched_trans_a", {normal(2, 4, 3), normal(2, 4, 2)}, {{"trans_a", true}}},
                  {"batched_trans_b", {normal(2, 3, 4), normal(2, 2, 4)}, {{"trans_b", true}}},
                  {"row_by_column", {normal(1, 4), normal(4, 1)}},
                  {"column_by_row", {normal(3, 1), normal(1, 2)}}},
      .errors = {{{"inner_size", {normal(2, 3), normal(2, 3)}},
                  "[matmul] b (2, 3) must be (..., k, n) with the leading axes and k of a, got a (2, 3)"},
                 {{"batch", {normal(2, 3, 4), normal(3, 4, 2)}},
                  "[matmul] b (3, 4, 2) must be (..., k, n) with the leading axes and k of a, got a (2, 3, 4)"},
                 {{"rank", {normal(3), normal(3)}}, "[matmul] a (3) must be (..., m, k)"}},
      .apply = [](const Call& c) -> Outputs { return {matmul(c[0], c[1], c.flag("trans_a"), c.flag("trans_b"))}; },
  };
  return info;
}

}  // namespace triptych
