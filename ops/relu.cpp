#include "ops/relu.h"

#include "ops/unary.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
relu: x (any shape)  ->  y, shape of x

  forward   y = max(x, 0)
  backward  dx = dy where x > 0, else 0
  saves     x
  domain    kink at 0, where the derivative is taken as 0
  source    Nair, Hinton 2010, "Rectified linear units improve restricted Boltzmann machines"
)";

}  // namespace

Var relu(const Var& x) { return unary("relu", Unary::relu, Saves::input, x); }

const OpInfo& relu_info() {
  static const OpInfo info{
      .name = "relu",
      .formula = formula,
      .inputs = {{"x", "(...)"}},
      .samples = {{"matrix", {normal(3, 4)}}, {"positive", {uniform(1, 2, {5})}}, {"one_value", {fill(1.5, {})}}},
      .errors = {},
      .apply = [](const Call& c) -> Outputs { return {relu(c[0])}; },
      .kinks = true};
  return info;
}

}  // namespace triptych
