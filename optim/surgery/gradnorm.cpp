#include "optim/surgery/gradnorm.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/require.h"
#include "optim/surgery/per_task.h"

namespace triptych::surgery {
namespace {

constexpr std::string_view formula = R"(
gradnorm_step: grad_norms (m), weights (m), loss_ratios (m)  ->  targets (m), grad_weights (m), new_weights (m)

  forward    G_i = w_i |dL_i/dW|,  r_i = ratio_i / mean(ratio),  target_i = mean(G) r_i^alpha, held constant
             L_grad = sum_i |G_i - target_i|,  dL_grad/dw_i = sign(G_i - target_i) |dL_i/dW|: closed form, no second backward
             w <- max(w - lr dL_grad/dw, 1e-6), then scaled so that sum w = m
  guarantee  weights > 0 that sum to m; the step J^T w may conflict with a task
  cost       m backward passes as far as W, the last shared layer, alone
  edge       G_i = target_i: no gradient. All norms 0: the weights stay
  source     Chen et al. 2018, arXiv 1711.02257, eq. 1-2, Algorithm 1 (alpha 1.5; 0.12 on the toy). L_i(first step) = 0 leaves
             the ratio undefined: such a task needs another yardstick, e.g. ln C for cross-entropy
)";

double mean_of(const std::vector<double>& x) {
  return std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
}

class GradNorm final : public Weighting {
 public:
  GradNorm(std::vector<std::string> losses, double alpha, double lr)
      : names_(std::move(losses)), alpha_(alpha), lr_(lr), weights_(names_.size(), 1), first_(names_.size(), 0) {}

  bool needs_gradient_norms() const override { return true; }

  std::vector<double> weights(std::span<const Task> tasks) override {
    std::vector<double> norms, now, ratios;
    for (const Task& t : tasks) {
      if (first_[t.loss] == 0) first_[t.loss] = t.value;
      norms.push_back(t.gradient_norm);
      now.push_back(weights_[t.loss]);
      ratios.push_back(t.value / first_[t.loss]);
    }
    const std::vector<double> next = gradnorm_step(norms, now, ratios, alpha_, lr_).new_weights;
    const double share = mean_of(now);
    for (std::size_t i = 0; i < tasks.size(); ++i) weights_[tasks[i].loss] = next[i] * share;
    return now;
  }

  Memory memory() override {
    Memory all;
    for (std::size_t i = 0; i < names_.size(); ++i) {
      all.emplace_back(names_[i] + ".first_loss", &first_[i]);
      all.emplace_back(names_[i] + ".weight", &weights_[i]);
    }
    return all;
  }

 private:
  std::vector<std::string> names_;
  double alpha_, lr_;
  std::vector<double> weights_, first_;
};

}  // namespace

GradNormStep gradnorm_step(const std::vector<double>& norms, const std::vector<double>& weights,
                           const std::vector<double>& loss_ratios, double alpha, double lr) {
  const std::string_view name = "gradnorm_step";
  const std::size_t m = norms.size();
  require_values(name, "grad_norms", norms, m, Bound::not_negative);
  require_values(name, "weights", weights, m, Bound::positive);
  require_values(name, "loss_ratios", loss_ratios, m, Bound::positive);
  require(alpha >= 0, name, "alpha", alpha, "at least 0");
  require(lr >= 0, name, "lr", lr, "at least 0");

  std::vector<double> g(m);
  for (std::size_t i = 0; i < m; ++i) g[i] = weights[i] * norms[i];
  const double mean_g = mean_of(g), mean_ratio = mean_of(loss_ratios);
  GradNormStep step;
  for (std::size_t i = 0; i < m; ++i) {
    const double target = mean_g * std::pow(loss_ratios[i] / mean_ratio, alpha);
    const double gradient = g[i] > target ? norms[i] : g[i] < target ? -norms[i] : 0;
    step.targets.push_back(target);
    step.grad_weights.push_back(gradient);
    step.new_weights.push_back(std::max(weights[i] - lr * gradient, 1e-6));
  }
  const double scale = 1 / mean_of(step.new_weights);
  for (double& w : step.new_weights) w *= scale;
  return step;
}

const OpInfo& gradnorm_step_info() {
  static const OpInfo info{
      .name = "gradnorm_step",
      .formula = formula,
      .inputs = {{"grad_norms", "(m)", Kind::constant},
                 {"weights", "(m)", Kind::constant},
                 {"loss_ratios", "(m)", Kind::constant}},
      .params = {{"alpha", 1.5, "how strongly slow tasks are favoured"}, {"lr", 0.025, "of the weights"}},
      .samples = {{"two", {list({2}, {5, 1}), fill(1, {2}), list({2}, {0.5, 0.8})}},
                  {"still", {fill(0, {3}), fill(1, {3}), uniform(0.5, 1, {3})}},
                  {"clamped", {list({2}, {900, 1}), fill(1, {2}), fill(1, {2})}}},
      .errors = {{{"size", {fill(1, {2}), fill(1, {3}), fill(1, {2})}},
                  "[gradnorm_step] weights (3) must be (m), one value per task, m = 2"},
                 {{"none", {fill(1, {0}), fill(1, {0}), fill(1, {0})}},
                  "[gradnorm_step] grad_norms (0) must be (m), one value per task"},
                 {{"negative", {fill(1, {2}), list({2}, {1, -1}), fill(1, {2})}},
                  "[gradnorm_step] weights[1] = -1 must be finite and above 0"}},
      .apply = [](const Call& c) -> Outputs {
        const GradNormStep s =
            gradnorm_step(per_task(c, 0), per_task(c, 1), per_task(c, 2), c.number("alpha"), c.number("lr"));
        return {answer(c, s.targets), answer(c, s.grad_weights), answer(c, s.new_weights)};
      },
      .outputs = {"targets", "grad_weights", "new_weights"}};
  return info;
}

std::unique_ptr<Weighting> gradnorm(std::vector<std::string> losses, double alpha, double lr) {
  return std::make_unique<GradNorm>(std::move(losses), alpha, lr);
}

}  // namespace triptych::surgery
