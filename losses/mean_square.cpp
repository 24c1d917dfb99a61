#include "losses/mean_square.h"

#include "core/require.h"
#include "ops/mean.h"
#include "ops/square.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
mean_square: z (...)  ->  value ()

  forward   L = mean of z_i^2 over all entries
  backward  dz = 2 z / (number of entries)
  saves     z
  domain    an empty z is refused
  source    L2 activity regularisation: Merity, McCann, Socher 2017, arXiv 1708.01009, section 3 (without its dropout)
)";

}  // namespace

Var mean_square(const Var& z) {
  require(z.value().size() > 0, "mean_square", "z", z, "of at least one element");
  return mean(square(z));
}

const OpInfo& mean_square_info() {
  static const OpInfo info{
      .name = "mean_square",
      .formula = formula,
      .inputs = {{"z", "(...)"}},
      .samples = {{"matrix", {normal(4, 3)}}, {"tokens", {normal(2, 3, 2)}}, {"one_value", {normal()}}},
      .errors = {{{"empty", {normal(0, 3)}}, "[mean_square] z (0, 3) must be of at least one element"}},
      .apply = [](const Call& c) -> Outputs { return {mean_square(c[0])}; }};
  return info;
}

}  // namespace triptych
