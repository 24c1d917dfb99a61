#include "ops/sqrt.h"

#include "ops/unary.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
sqrt: x (any shape)  ->  y, shape of x

  forward   y = sqrt(x)
  backward  dx = dy / (2 y), and 0 where y = 0
  saves     y
  domain    x >= 0, NaN below; the slope is infinite at 0, and 0 is returned there so that one zero does not poison a batch
  source    elementary calculus
)";

}  // namespace

Var sqrt(const Var& x) { return unary("sqrt", Unary::sqrt, Saves::output, x); }

const OpInfo& sqrt_info() {
  static const OpInfo info{.name = "sqrt",
                           .formula = formula,
                           .inputs = {{"x", "(...)"}},
                           .samples = {{"matrix", {uniform(0.5, 2, {3, 4})}},
                                       {"large", {100 * uniform(1, 2, {5})}},
                                       {"one_value", {uniform(1, 2, {})}}},
                           .errors = {},
                           .apply = [](const Call& c) -> Outputs { return {sqrt(c[0])}; }};
  return info;
}

}  // namespace triptych
