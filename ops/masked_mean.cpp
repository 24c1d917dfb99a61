#include "ops/masked_mean.h"

#include "core/require.h"
#include "ops/composed.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
masked_mean: x (B, L, d), mask (B, L) with 0 = no token, or absent  ->  y (B, d)

  forward   y_b = (sum over the real tokens t of x_bt) / n_b,  n_b their number;   0 where n_b = 0
  backward  dx_bt = dy_b / n_b for real tokens, 0 for the others
  saves     mask
  source    linearity
)";

}  // namespace

Var masked_mean(const Var& x, const Var& mask) {
  require(x.shape().rank() == 3, "masked_mean", "x", x, "(B, L, d)");
  if (mask) {
    require(mask.shape() == x.shape().without_last(), "masked_mean", "mask", mask, "(B, L) of x", "x", x);
    require_constant("masked_mean", "mask", mask);
  }
  const Kernels& k = x.kernels();
  const std::int64_t batch = x.shape()[0], tokens = x.shape()[1], d = x.shape()[2];
  Tensor y({batch, d}, x.dtype());
  const Tensor real = mask ? mask.value() : Tensor{};
  k.masked_mean(x.value().view(), real.view(), y.view(), batch, tokens, d);
  return record("masked_mean", y, {x, mask}, [&k, real, batch, tokens, d](const Tensor& dy) -> Grads {
    Tensor dx({batch, tokens, d}, dy.dtype());
    k.masked_mean_backward(dy.view(), real.view(), dx.view(), batch, tokens, d);
    return {dx};
  });
}

const OpInfo& masked_mean_info() {
  static const OpInfo info{.name = "masked_mean",
                           .formula = formula,
                           .inputs = {{"x", "(B, L, d)"}, {"mask", "(B, L)", Kind::constant, true}},
                           .samples = {{"no_mask", {normal(2, 3, 4)}},
                                       {"masked", {normal(3, 3, 2), list({3, 3}, {1, 1, 0, 0, 0, 0, 1, 0, 1})}},
                                       {"any_mark", {normal(2, 3, 2), list({2, 3}, {2, .5, 0, 0, 3, 0})}},
                                       {"one_token", {normal(2, 1, 3), fill(1, {2, 1})}},
                                       {"width_one", {normal(2, 3, 1)}}},
                           .errors = {{{"mask_size", {normal(2, 3, 4), fill(1, {2, 4})}},
                                       "[masked_mean] mask (2, 4) must be (B, L) of x, got x (2, 3, 4)"},
                                      {{"rank", {normal(3, 4)}}, "[masked_mean] x (3, 4) must be (B, L, d)"}},
                           .apply = [](const Call& c) -> Outputs { return {masked_mean(c[0], c[1])}; },
                           .reference = [](const Call& c) -> Outputs { return {composed::masked_mean(c[0], c[1])}; }};
  return info;
}

}  // namespace triptych
