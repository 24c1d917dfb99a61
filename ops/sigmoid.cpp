#include "ops/sigmoid.h"

#include "ops/unary.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
sigmoid: x (any shape)  ->  y, shape of x

  forward   y = 1 / (1 + e^{-x})
  backward  dx = dy y (1 - y)
  saves     y
  stable    e^{-x} may overflow to infinity: y is 0 then
  domain    all reals
  source    Cox 1958, "The regression analysis of binary sequences" (the logistic function)
)";

}  // namespace

Var sigmoid(const Var& x) { return unary("sigmoid", Unary::sigmoid, Saves::output, x); }

const OpInfo& sigmoid_info() {
  static const OpInfo info{
      .name = "sigmoid",
      .formula = formula,
      .inputs = {{"x", "(...)"}},
      .samples = {{"matrix", {normal(3, 4)}}, {"tails", {4 * normal(6)}}, {"one_value", {normal()}}},
      .errors = {},
      .apply = [](const Call& c) -> Outputs { return {sigmoid(c[0])}; }};
  return info;
}

}  // namespace triptych
