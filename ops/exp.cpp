#include "ops/exp.h"

#include "ops/unary.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
exp: x (any shape)  ->  y, shape of x

  forward   y = e^x
  backward  dx = dy y
  saves     y
  domain    overflows to infinity above 88.7 in float32, 709.7 in float64
  source    elementary calculus
)";

}  // namespace

Var exp(const Var& x) { return unary("exp", Unary::exp, Saves::output, x); }

const OpInfo& exp_info() {
  static const OpInfo info{
      .name = "exp",
      .formula = formula,
      .inputs = {{"x", "(...)"}},
      .samples = {{"matrix", {normal(3, 4)}}, {"negative", {-3 + normal(5)}}, {"one_value", {normal()}}},
      .errors = {},
      .apply = [](const Call& c) -> Outputs { return {exp(c[0])}; }};
  return info;
}

}  // namespace triptych
