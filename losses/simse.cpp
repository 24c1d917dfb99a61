#include "losses/simse.h"

#include "core/require.h"
#include "ops/mean.h"
#include "ops/square.h"
#include "ops/sub.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
simse: a (...), b like a, N elements  ->  value ()

  forward   L = (sum of (a - b))^2 / N^2
  backward  da = 2 (sum of (a - b)) / N^2 everywhere,   db = -da
  saves     the mean difference
  source    Eigen, Puhrsch, Fergus 2014, arXiv 1406.2283, eq. 3, second term; Bousmalis et al. 2016, arXiv 1608.06019
)";

}  // namespace

Var simse(const Var& a, const Var& b) {
  require(b.shape() == a.shape(), "simse", "b", b, "of the shape of a", "a", a);
  return square(mean(sub(a, b)));
}

const OpInfo& simse_info() {
  static const OpInfo info{
      .name = "simse",
      .formula = formula,
      .inputs = {{"a", "(...)"}, {"b", "(...)"}},
      .samples = {{"matrix", {normal(4, 3), normal(4, 3)}}, {"one_value", {normal(), normal()}}},
      .errors = {{{"shape", {normal(2, 3), normal(3)}}, "[simse] b (3) must be of the shape of a, got a (2, 3)"}},
      .apply = [](const Call& c) -> Outputs { return {simse(c[0], c[1])}; }};
  return info;
}

}  // namespace triptych
