#include "ops/square.h"

#include "ops/unary.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
square: x (any shape)  ->  y, shape of x

  forward   y = x^2
  backward  dx = 2 x dy
  saves     x
  domain    all reals
  source    elementary calculus
)";

}  // namespace

Var square(const Var& x) { return unary("square", Unary::square, Saves::input, x); }

const OpInfo& square_info() {
  static const OpInfo info{.name = "square",
                           .formula = formula,
                           .inputs = {{"x", "(...)"}},
                           .samples = {{"matrix", {normal(3, 4)}}, {"one_value", {normal()}}},
                           .errors = {},
                           .apply = [](const Call& c) -> Outputs { return {square(c[0])}; }};
  return info;
}

}  // namespace triptych
