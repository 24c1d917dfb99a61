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

class Dwa final : public Weighting {
 public:
  Dwa(std::vector<std::string> losses, std::int64_t epoch)
      : names_(std::move(losses)), epoch_(static_cast<double>(epoch)), means_(names_.size()) {}

  std::vector<double> weights(std::span<const Task> tasks) override {
    std::vector<double> ratios;
    for (const Task& t : tasks) {
      Means& m = means_[t.loss];
      ratios.push_back(m.last > 0 && m.before > 0 ? m.last / m.before : 1);
      m.sum += t.value;
      m.count += 1;
    }
    if (++steps_ >= epoch_) close_epoch();
    return triptych::surgery::dwa(ratios);
  }

  Memory memory() override {
    Memory all{{"steps", &steps_}};
    for (std::size_t i = 0; i < names_.size(); ++i) {
      all.emplace_back(names_[i] + ".sum", &means_[i].sum);
      all.emplace_back(names_[i] + ".count", &means_[i].count);
      all.emplace_back(names_[i] + ".last", &means_[i].last);
      all.emplace_back(names_[i] + ".before", &means_[i].before);
    }
    return all;
  }

 private:
  struct Means {
    double sum = 0, count = 0, last = 0, before = 0;
  };
  void close_epoch() {
    for (Means& m : means_) m = {0, 0, m.count > 0 ? m.sum / m.count : 0, m.last};
    steps_ = 0;
  }

  std::vector<std::string> names_;
  double epoch_, steps_ = 0;
  std::vector<Means> means_;
};

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

std::unique_ptr<Weighting> dwa(std::vector<std::string> losses, std::int64_t epoch) {
  return std::make_unique<Dwa>(std::move(losses), epoch);
}

}  // namespace triptych::surgery
