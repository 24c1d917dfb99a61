#include "losses/mse.h"

#include <algorithm>

#include "core/require.h"
#include "ops/mean.h"
#include "ops/mul.h"
#include "ops/scale.h"
#include "ops/square.h"
#include "ops/sub.h"
#include "ops/sum.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
mse: a (...), b like a, mask = leading axes of a, optional  ->  value ()

  forward   L = sum of w (a - b)^2 / N,  w = mask (1 where absent),  N = sum of w over all elements
  backward  da = 2 w (a - b) / N,   db = -da
  saves     w (a - b)
  edge      N = 0 (nothing real): L = 0 and no gradient
  source    maximum likelihood under Gaussian noise of fixed variance, up to a constant
)";

bool leads(const Shape& mask, const Shape& a) {
  const auto m = mask.sizes(), s = a.sizes();
  return m.size() <= s.size() && std::equal(m.begin(), m.end(), s.begin());
}

}  // namespace

Var mse(const Var& a, const Var& b, const Var& mask) {
  require(a.value().size() > 0, "mse", "a", a, "of at least one element");
  require(b.shape() == a.shape(), "mse", "b", b, "of the shape of a", "a", a);
  const Kernels& k = a.kernels();
  const std::int64_t n = a.value().size();
  Tensor difference(a.shape(), a.dtype()), weighted = difference;
  k.binary(Binary::sub, a.value().view(), b.value().view(), difference.view(), n, n);
  auto count = static_cast<double>(n);
  if (mask) {
    require(leads(mask.shape(), a.shape()), "mse", "mask", mask, "the leading axes of a", "a", a);
    require_constant("mse", "mask", mask);
    const std::int64_t rows = mask.value().size();
    weighted = Tensor(a.shape(), a.dtype());
    k.scale_rows(difference.view(), mask.value().view(), weighted.view(), rows, n / rows);
    count = k.sum(mask.value().view(), rows) * static_cast<double>(n / rows);
  }
  const double weight = count > 0 ? 1 / count : 0;
  const Tensor value = Tensor::scalar(weight * k.dot(weighted.view(), difference.view(), n), a.dtype());
  return record(
      "mse", value, {a, b},
      [&k, weighted, weight, want_a = a.requires_grad(), want_b = b.requires_grad()](const Tensor& dy) -> Grads {
        const auto gradient = [&](double sign) {
          Tensor g(weighted.shape(), weighted.dtype());
          k.axpby(sign * 2 * weight * dy.item(), weighted.view(), 0, g.view(), g.size());
          return g;
        };
        return {want_a ? gradient(1) : Tensor{}, want_b ? gradient(-1) : Tensor{}};
      });
}

const OpInfo& mse_info() {
  static const OpInfo info{
      .name = "mse",
      .formula = formula,
      .inputs = {{"a", "(...)"}, {"b", "(...)"}, {"mask", "(...)", Kind::constant, true}},
      .samples = {{"matrix", {normal(4, 3), normal(4, 3)}},
                  {"masked_tokens", {normal(2, 3, 4), normal(2, 3, 4), list({2, 3}, {1, 1, 0, 1, 0, 0})}},
                  {"masked_samples", {normal(3, 2, 2), normal(3, 2, 2), list({3}, {1, 0, 1})}},
                  {"one_value", {normal(), normal()}}},
      .errors = {{{"shape", {normal(2, 3), normal(3, 2)}}, "[mse] b (3, 2) must be of the shape of a, got a (2, 3)"},
                 {{"mask", {normal(2, 3), normal(2, 3), fill(1, {3})}},
                  "[mse] mask (3) must be the leading axes of a, got a (2, 3)"},
                 {{"empty", {normal(0, 3), normal(0, 3)}}, "[mse] a (0, 3) must be of at least one element"}},
      .apply = [](const Call& c) -> Outputs { return {mse(c[0], c[1], c[2])}; },
      .reference = [](const Call& c) -> Outputs {
        const Var squares = square(sub(c[0], c[1]));
        if (!c[2]) return {mean(squares)};
        Tensor w(c[0].shape(), c[0].dtype());
        const std::int64_t repeats = w.size() / c[2].value().size();
        for (std::int64_t i = 0; i < w.size(); ++i) w.set(i, c[2].value().at(i / repeats));
        double count = 0;
        for (std::int64_t i = 0; i < w.size(); ++i) count += w.at(i);
        return {scale(sum(mul(squares, c.tape.constant(w))), 1 / count)};
      }};
  return info;
}

}  // namespace triptych
