#include "optim/surgery/uncertainty_weighting.h"

#include <cmath>

#include "core/require.h"
#include "optim/surgery/learned_number.h"
#include "optim/surgery/per_task.h"

namespace triptych::surgery {
namespace {

constexpr std::string_view formula = R"(
uncertainty_weighting: losses (m), log_variances (m)  ->  value ()

  forward    value = sum_i (e^-s_i L_i + s_i) / 2,  s_i = log sigma_i^2
  backward   dL_i = e^-s_i / 2 dy,   ds_i = (1 - e^-s_i L_i) / 2 dy
  saves      e^-s, L
  guarantee  at its stationary point s_i = log L_i every loss weighs 1 / (2 L_i): rescaled losses count the same. The step
             may conflict with a task
  cost       one backward pass for all tasks together
  edge       a loss of 0 or less is refused: the value would fall without bound in s
  source     Kendall, Gal, Cipolla 2018, arXiv 1705.07115, eq. 7, for Gaussian likelihoods (s starts at 0 or -0.5)
)";

class UncertaintyWeighting final : public Weighting {
 public:
  UncertaintyWeighting(std::vector<std::string> losses, double lr)
      : names_(std::move(losses)), lr_(lr), log_variances_(names_.size()) {}

  std::vector<double> weights(std::span<const Task> tasks) override {
    const Shape shape{std::ssize(tasks)};
    Tensor l(shape, DType::f64), s(shape, DType::f64);
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      l.set(static_cast<std::int64_t>(i), tasks[i].weight * tasks[i].value);
      s.set(static_cast<std::int64_t>(i), log_variances_[tasks[i].loss].value);
    }
    Tape tape(cpu_kernels());
    const Var losses = tape.variable(l), log_variances = tape.variable(s);
    const Gradients g =
        tape.gradients(triptych::surgery::uncertainty_weighting(losses, log_variances), {losses, log_variances});
    for (std::size_t i = 0; i < tasks.size(); ++i)
      log_variances_[tasks[i].loss].step(g[log_variances].at(static_cast<std::int64_t>(i)), lr_);
    return g[losses].values();
  }

  Memory memory() override {
    Memory all;
    for (std::size_t i = 0; i < names_.size(); ++i) log_variances_[i].remember(names_[i] + ".log_variance", all);
    return all;
  }

 private:
  std::vector<std::string> names_;
  double lr_;
  std::vector<LearnedNumber> log_variances_;
};

}  // namespace

Var uncertainty_weighting(const Var& losses, const Var& log_variances) {
  const std::string_view name = "uncertainty_weighting";
  require(losses.shape().rank() == 1, name, "losses", losses, "(m), one value per task");
  require(log_variances.shape() == losses.shape(), name, "log_variances", log_variances, "of the shape of losses",
          "losses", losses);
  const std::vector<double> l = losses.value().values(), s = log_variances.value().values();
  require_values(name, "losses", l, l.size(), Bound::positive);
  require_values(name, "log_variances", s, l.size());
  double value = 0;
  std::vector<double> weight(l.size());
  for (std::size_t i = 0; i < l.size(); ++i) {
    weight[i] = std::exp(-s[i]) / 2;
    value += weight[i] * l[i] + s[i] / 2;
  }
  const Shape shape = losses.shape();
  const DType dtype = losses.dtype();
  return record(name, Tensor::scalar(value, dtype), {losses, log_variances},
                [l, weight, shape, dtype](const Tensor& dy) -> Grads {
                  Tensor dl(shape, dtype), ds(shape, dtype);
                  for (std::size_t i = 0; i < l.size(); ++i) {
                    dl.set(static_cast<std::int64_t>(i), weight[i] * dy.item());
                    ds.set(static_cast<std::int64_t>(i), (0.5 - weight[i] * l[i]) * dy.item());
                  }
                  return {dl, ds};
                });
}

const OpInfo& uncertainty_weighting_info() {
  static const OpInfo info{
      .name = "uncertainty_weighting",
      .formula = formula,
      .inputs = {{"losses", "(m)"}, {"log_variances", "(m)"}},
      .samples = {{"two", {list({2}, {2, 0.5}), list({2}, {0.1, -0.3})}}, {"four", {uniform(0.5, 3, {4}), normal(4)}}},
      .errors = {{{"negative", {list({2}, {2, -0.5}), normal(2)}},
                  "[uncertainty_weighting] losses[1] = -0.5 must be finite and above 0"},
                 {{"size", {fill(1, {2}), normal(3)}},
                  "[uncertainty_weighting] log_variances (3) must be of the shape of losses, got losses (2)"}},
      .apply = [](const Call& c) -> Outputs { return {uncertainty_weighting(c[0], c[1])}; }};
  return info;
}

std::unique_ptr<Weighting> uncertainty_weighting(std::vector<std::string> losses, double lr) {
  return std::make_unique<UncertaintyWeighting>(std::move(losses), lr);
}

}  // namespace triptych::surgery
