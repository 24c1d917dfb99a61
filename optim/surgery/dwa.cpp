#include "optim/surgery/dwa.h"

#include "core/require.h"
#include "optim/surgery/per_task.h"

namespace triptych::surgery {
namespace {

constexpr std::string_view formula = R"(
dwa: ratios (m)  ->  weights (m)

  forward    w = m softmax(ratios / temperature),  ratio_i = L_i(t - 1) / L_i(t - 2), means over an epoch or a window
  guarantee  weights > 0 that sum to m; the step J^T w may conflict with a task. Losses may be rescaled: only ratios count
  cost       one backward pass for all tasks together
  edge       the first two epochs have no ratios: weights 1
  source     Liu, Johns, Davison 2019, arXiv 1803.10704, eq. 7 (temperature 2)
)";

}  // namespace

std::vector<double> dwa(const std::vector<double>& ratios, double temperature) {
  require_values("dwa", "ratios", ratios, ratios.size(), Bound::positive);
  require(temperature > 0, "dwa", "temperature", temperature, "above 0");
  std::vector<double> w = ratios;
  for (double& each : w) each /= temperature;
  w = softmax_of(w);
  for (double& each : w) each *= static_cast<double>(w.size());
  return w;
}

const OpInfo& dwa_info() {
  static const OpInfo info{
      .name = "dwa",
      .formula = formula,
      .inputs = {{"ratios", "(m)", Kind::constant}},
      .params = {{"temperature", 2.0, "large: equal weights"}},
      .samples = {{"two", {list({2}, {0.9, 1.2})}}, {"far", {list({3}, {1, 1e4, 2e4})}}},
      .errors = {{{"zero", {list({2}, {1, 0})}}, "[dwa] ratios[1] = 0 must be finite and above 0"},
                 {{"cold", {fill(1, {2})}, {{"temperature", 0.0}}}, "[dwa] temperature = 0 must be above 0"},
                 {{"rank", {fill(1, {2, 2})}}, "[dwa] ratios (2, 2) must be (m), one value per task"}},
      .apply = [](const Call& c) -> Outputs { return {answer(c, dwa(per_task(c, 0), c.number("temperature")))}; },
      .outputs = {"weights"}};
  return info;
}

}  // namespace triptych::surgery
