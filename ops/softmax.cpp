#include "ops/softmax.h"

#include "core/require.h"
#include "ops/naive.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
softmax: x (..., n), mask (B, n) with B the first size of x, or absent  ->  y (..., n)

  forward   y_j = e^{x_j - t} / sum_k e^{x_k - t},  t = max x_k       per row, over the entries whose mask is not 0
  backward  dx_j = y_j (dy_j - sum_k y_k dy_k)
  saves     y
  stable    the largest real entry is subtracted; masked entries are never exponentiated
  domain    a row with no real entry is all zero, and so is its gradient
  source    Bridle 1990, "Probabilistic interpretation of feedforward classification network outputs"
)";

}  // namespace

Var softmax(const Var& x, const Var& mask) {
  require(x.shape().rank() >= (mask ? 2 : 1), "softmax", "x", x,
          mask ? "(B, ..., n) when there is a mask" : "(..., n)");
  const std::int64_t n = x.shape().back(), rows = x.shape().rows();
  std::int64_t rows_per_mask = 1;
  if (mask) {
    require(mask.shape() == Shape{x.shape()[0], n}, "softmax", "mask", mask, "(B, n), first and last size of x", "x",
            x);
    require_constant("softmax", "mask", mask);
    rows_per_mask = x.shape()[0] > 0 ? rows / x.shape()[0] : 1;
  }
  const Kernels& k = x.kernels();
  Tensor y(x.shape(), x.dtype());
  k.softmax(x.value().view(), mask ? mask.value().view() : View{}, y.view(), rows, n, rows_per_mask);
  return record("softmax", y, {x, mask}, [&k, y, rows, n](const Tensor& dy) -> Grads {
    Tensor dx(y.shape(), y.dtype());
    k.softmax_backward(y.view(), dy.view(), dx.view(), rows, n);
    return {dx};
  });
}

const OpInfo& softmax_info() {
  static const OpInfo info{.name = "softmax",
                           .formula = formula,
                           .inputs = {{"x", "(..., n)"}, {"mask", "(B, n)", Kind::constant, true}},
                           .samples = {{"rows", {normal(3, 5)}},
                                       {"vector", {normal(4)}},
                                       {"masked", {normal(3, 4), list({3, 4}, {1, 1, 0, 1, 0, 0, 0, 0, 1, 1, 1, 1})}},
                                       {"mask_of_many_rows", {normal(2, 2, 3), list({2, 3}, {1, 0, 1, 1, 1, 0})}},
                                       {"large_entries", {1000 + 3 * normal(2, 4)}}},
                           .errors = {{{"mask_size", {normal(2, 3), fill(1, {2, 2})}},
                                       "[softmax] mask (2, 2) must be (B, n), first and last size of x, got x (2, 3)"},
                                      {{"scalar", {normal()}}, "[softmax] x () must be (..., n)"},
                                      {{"masked_vector", {normal(3), fill(1, {3})}},
                                       "[softmax] x (3) must be (B, ..., n) when there is a mask"}},
                           .apply = [](const Call& c) -> Outputs { return {softmax(c[0], c[1])}; },
                           .reference = [](const Call& c) -> Outputs { return {naive::softmax(c[0], c[1])}; }};
  return info;
}

}  // namespace triptych
