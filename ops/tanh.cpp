#include "ops/tanh.h"

#include "ops/unary.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
tanh: x (any shape)  ->  y, shape of x

  forward   y = (e^x - e^{-x}) / (e^x + e^{-x})
  backward  dx = dy (1 - y^2)
  saves     y
  stable    written with e^{-2|x|} - 1, which neither overflows nor cancels near 0
  domain    all reals
  source    elementary calculus
)";

}  // namespace

Var tanh(const Var& x) { return unary("tanh", Unary::tanh, Saves::output, x); }

const OpInfo& tanh_info() {
  static const OpInfo info{
      .name = "tanh",
      .formula = formula,
      .inputs = {{"x", "(...)"}},
      .samples = {{"matrix", {normal(3, 4)}}, {"tails", {2 * normal(6)}}, {"one_value", {normal()}}},
      .errors = {},
      .apply = [](const Call& c) -> Outputs { return {tanh(c[0])}; }};
  return info;
}

}  // namespace triptych
