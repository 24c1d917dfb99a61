#include "optim/surgery/famo.h"

#include <cmath>

#include "optim/surgery/learned_number.h"
#include "optim/surgery/per_task.h"

namespace triptych::surgery {
namespace {

constexpr std::string_view formula = R"(
famo_step: logits (m), losses (m), next_losses (m)  ->  coefficients (m), grad_logits (m)

  forward    z = softmax(logits);  coefficients_i = (z_i / L_i) / sum_j (z_j / L_j): the step on sum_i z_i log L_i, scaled
             delta_i = log L_i - log L_i(next),  grad_logits = z (delta - z.delta): the gradient of z.delta by the logits
             L stands for L + 1e-8, and for the loss above its lower bound where that is not 0
  guarantee  coefficients > 0 that sum to 1; the step may conflict with a task. Rescaled losses have the same log: the
             direction of the step changes with the scale of no task
  cost       one backward pass for all tasks together and one more forward pass (next_losses, same batch)
  edge       losses must be above 0
  source     Liu, Feng, Stone, Liu 2023, arXiv 2306.03792, Algorithm 1; logits by Adam, lr 0.025, weight decay 0 to 0.01
)";

constexpr double floor_of_losses = 1e-8;

class Famo final : public Weighting {
 public:
  Famo(std::vector<std::string> losses, double lr, double decay)
      : names_(std::move(losses)), lr_(lr), decay_(decay), logits_(names_.size()) {}

  bool needs_next_values() const override { return true; }

  std::vector<double> weights(std::span<const Task> tasks) override {
    before_.assign(tasks.begin(), tasks.end());
    return step(tasks, tasks).coefficients;
  }

  void compare(std::span<const Task> after) override {
    std::vector<Task> then, now;  // of the losses that have both values
    for (const Task& t : after)
      for (const Task& b : before_)
        if (b.loss == t.loss) then.push_back(b), now.push_back(t);
    if (now.empty()) return;
    const std::vector<double> gradient = step(then, now).grad_logits;
    for (std::size_t i = 0; i < now.size(); ++i) {
      LearnedNumber& logit = logits_[now[i].loss];
      logit.step(gradient[i] + decay_ * logit.value, lr_);
    }
  }

  Memory memory() override {
    Memory all;
    for (std::size_t i = 0; i < names_.size(); ++i) logits_[i].remember(names_[i] + ".logit", all);
    return all;
  }

 private:
  FamoStep step(std::span<const Task> before, std::span<const Task> after) const {
    std::vector<double> logits, losses, next;
    for (std::size_t i = 0; i < before.size(); ++i) {
      logits.push_back(logits_[before[i].loss].value);
      losses.push_back(before[i].weight * before[i].value);
      next.push_back(after[i].weight * after[i].value);
    }
    return famo_step(logits, losses, next);
  }

  std::vector<std::string> names_;
  double lr_, decay_;
  std::vector<LearnedNumber> logits_;
  std::vector<Task> before_;  // of the step under way
};

}  // namespace

FamoStep famo_step(const std::vector<double>& logits, const std::vector<double>& losses,
                   const std::vector<double>& next_losses) {
  const std::size_t m = logits.size();
  require_values("famo_step", "logits", logits, m);
  require_values("famo_step", "losses", losses, m, Bound::positive);
  require_values("famo_step", "next_losses", next_losses, m, Bound::positive);
  const std::vector<double> z = softmax_of(logits);
  std::vector<double> delta(m);
  double sum = 0, mean_delta = 0;
  FamoStep step;
  for (std::size_t i = 0; i < m; ++i) {
    sum += step.coefficients.emplace_back(z[i] / (losses[i] + floor_of_losses));
    delta[i] = std::log(losses[i] + floor_of_losses) - std::log(next_losses[i] + floor_of_losses);
    mean_delta += z[i] * delta[i];
  }
  for (double& c : step.coefficients) c /= sum;
  for (std::size_t i = 0; i < m; ++i) step.grad_logits.push_back(z[i] * (delta[i] - mean_delta));
  return step;
}

const OpInfo& famo_step_info() {
  static const OpInfo info{
      .name = "famo_step",
      .formula = formula,
      .inputs = {{"logits", "(m)", Kind::constant},
                 {"losses", "(m)", Kind::constant},
                 {"next_losses", "(m)", Kind::constant}},
      .samples = {{"two", {list({2}, {0.2, -0.1}), list({2}, {1.5, 0.4}), list({2}, {1.4, 0.41})}},
                  {"unequal", {list({3}, {0, 30, -30}), list({3}, {1e-12, 1, 1e12}), fill(1, {3})}}},
      .errors = {{{"negative", {fill(0, {2}), list({2}, {1, -0.5}), fill(1, {2})}},
                  "[famo_step] losses[1] = -0.5 must be finite and above 0"},
                 {{"size", {fill(0, {2}), fill(1, {2}), fill(1, {1})}},
                  "[famo_step] next_losses (1) must be (m), one value per task, m = 2"}},
      .apply = [](const Call& c) -> Outputs {
        const FamoStep s = famo_step(per_task(c, 0), per_task(c, 1), per_task(c, 2));
        return {answer(c, s.coefficients), answer(c, s.grad_logits)};
      },
      .outputs = {"coefficients", "grad_logits"}};
  return info;
}

std::unique_ptr<Weighting> famo(std::vector<std::string> losses, double lr, double decay) {
  return std::make_unique<Famo>(std::move(losses), lr, decay);
}

}  // namespace triptych::surgery
