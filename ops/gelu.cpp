#include "ops/gelu.h"

#include "ops/unary.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
gelu: x (any shape)  ->  y, shape of x

  forward   y = x Phi(x),  Phi(x) = erfc(-x / sqrt(2)) / 2
  backward  dx = dy (Phi(x) + x phi(x)),  phi(x) = exp(-x^2 / 2) / sqrt(2 pi)
  saves     x
  stable    erfc keeps the tail: no cancellation for very negative x
  domain    all reals
  source    Hendrycks, Gimpel 2016, arXiv 1606.08415, eq. 1 (the exact form, not the tanh approximation)
)";

}  // namespace

Var gelu(const Var& x) { return unary("gelu", Unary::gelu, Saves::input, x); }

const OpInfo& gelu_info() {
  static const OpInfo info{
      .name = "gelu",
      .formula = formula,
      .inputs = {{"x", "(...)"}},
      .samples = {{"matrix", {normal(3, 4)}}, {"tails", {3 * normal(6)}}, {"one_value", {normal()}}},
      .errors = {},
      .apply = [](const Call& c) -> Outputs { return {gelu(c[0])}; }};
  return info;
}

}  // namespace triptych
