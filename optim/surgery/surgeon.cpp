#include "optim/surgery/surgeon.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/error.h"
#include "optim/clip.h"
#include "optim/registry.h"
#include "optim/surgery/gradnorm.h"
#include "optim/surgery/quadratic.h"

namespace triptych::surgery {
namespace {

const Method* find_method(const std::string& name) {
  std::vector<std::string> known{"none", "gradnorm"};
  for (const Method* m : gramian_methods()) {
    if (m->name == name) return m;
    known.emplace_back(m->name);
  }
  if (name == "none" || name == "gradnorm") return nullptr;
  throw Error(Exit::usage, "surgery.method", "unknown method of gradient surgery '" + escape_text(name, 64) + "'", {},
              suggest(name, known));
}

Gramian gramian_of_losses(const Kernels& kernels, std::span<const Gradient> gradients,
                          std::span<const Surgeon::Loss> losses) {
  try {
    return gramian(kernels, gradients);
  } catch (const Error&) {
    for (std::size_t i = 0; i < losses.size(); ++i)
      if (!std::isfinite(global_norm(kernels, gradients[i])))
        throw Error(Exit::numerical, "surgery.gradient",
                    "the gradient of '" + std::string(losses[i].name) + "' by the parameters it shares is not finite");
    throw;
  }
}

}  // namespace

Surgeon::Surgeon(const SurgeryConfig& config, std::vector<std::string> losses, std::uint64_t seed)
    : config_(config), method_(find_method(config.method)), names_(std::move(losses)), seed_(seed) {
  if (config_.method == "gradnorm") {
    weights_.assign(names_.size(), 1);
    first_losses_.assign(names_.size(), 0);
  }
}

Surgeon::Report Surgeon::operate(Tape& tape, std::span<const Loss> losses, std::span<const Var> vars, std::int64_t step,
                                 std::vector<Tensor>& gradients) {
  const Kernels& kernels = tape.kernels();
  std::vector<std::vector<Tensor>> all(losses.size());
  Gradients each;
  for (std::size_t i = 0; i < losses.size(); ++i) {
    tape.gradients(losses[i].value, vars, each, Tensor::scalar(losses[i].weight, losses[i].value.dtype()));
    all[i].assign(each.tensors().begin(), each.tensors().end());
  }
  std::vector<Gradient> of_shared(losses.size());
  std::vector<std::size_t> shared;
  gradients.assign(vars.size(), {});
  for (std::size_t p = 0; p < vars.size(); ++p) {
    const auto reached = std::count_if(all.begin(), all.end(), [&](const auto& g) { return bool(g[p]); });
    if (reached > 1) {
      shared.push_back(p);
      for (std::size_t i = 0; i < losses.size(); ++i) of_shared[i].push_back(all[i][p]);
    } else if (reached == 1) {
      for (std::size_t i = 0; i < losses.size(); ++i)
        if (all[i][p]) gradients[p] = all[i][p];
    }
  }

  Report report;
  if (losses.empty()) return report;
  const Gramian all_tasks = gramian_of_losses(kernels, of_shared, losses);
  // A loss without a say (it has reached its floor, or shares nothing) is no task: MGDA would stand still for it.
  NonZero some = non_zero(all_tasks);
  std::vector<Loss> tasks;
  for (const Eigen::Index i : some.tasks) {
    tasks.push_back(losses[static_cast<std::size_t>(i)]);
    report.losses.push_back(tasks.back().name);
  }
  if (tasks.empty()) return report;
  report.weights = weights(some.gramian, tasks, tape, step);
  report.conflicts = std::move(some.gramian);
  const Gradient combined = combine(kernels, of_shared, spread(report.weights, some.tasks, all_tasks.tasks()));
  for (std::size_t k = 0; k < shared.size(); ++k) gradients[shared[k]] = combined[k];
  return report;
}

Vector Surgeon::weights(const Gramian& g, std::span<const Loss> losses, Tape& tape, std::int64_t step) {
  if (!method_) return gradnorm(g, losses);
  Settings settings;
  if (method_->name == "cagrad") settings.emplace_back("c", config_.c);
  if (method_->name == "pcgrad")  // an order of its own for every step
    settings.emplace_back("seed", static_cast<double>((seed_ * 1000003 + static_cast<std::uint64_t>(step)) &
                                                      ((std::uint64_t{1} << 53) - 1)));
  return method_->weights(g, Call{*method_, tape, {}, settings});
}

Vector Surgeon::gradnorm(const Gramian& g, std::span<const Loss> losses) {
  std::vector<std::size_t> at;  // of the losses that act in this step
  std::vector<double> norms, now, ratios;
  for (std::size_t i = 0; i < losses.size(); ++i) {
    const auto found = std::find(names_.begin(), names_.end(), losses[i].name);
    if (found == names_.end())
      throw Error(Exit::internal, "surgery.loss", "gradnorm: unknown loss '" + std::string(losses[i].name) + "'");
    const auto k = static_cast<std::size_t>(found - names_.begin());
    const double value = losses[i].value.value().item();
    if (!(value > 0))
      throw Error(Exit::numerical, "surgery.loss",
                  "gradnorm needs losses above 0: '" + names_[k] + "' is " + std::to_string(value) + " at this step",
                  {}, "pcgrad, upgrad and the other methods of docs/surgery.md take any loss");
    if (first_losses_[k] == 0) first_losses_[k] = value;
    at.push_back(k);
    norms.push_back(g.norms(static_cast<Eigen::Index>(i)));
    now.push_back(weights_[k]);
    ratios.push_back(value / first_losses_[k]);
  }
  const GradNormStep stepped = gradnorm_step(norms, now, ratios, config_.alpha, config_.lr);
  // Those that act share the weight that they had together; so all weights still sum to their number.
  double before = 0;
  for (const double w : now) before += w;
  Vector w(static_cast<Eigen::Index>(now.size()));
  for (std::size_t i = 0; i < now.size(); ++i) {
    w(static_cast<Eigen::Index>(i)) = now[i];
    weights_[at[i]] = stepped.new_weights[i] * before / static_cast<double>(now.size());
  }
  return w;
}

Surgeon::State Surgeon::state() const {
  State all;
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    all.emplace_back(names_[i] + ".first_loss", Tensor::scalar(first_losses_[i], DType::f64));
    all.emplace_back(names_[i] + ".weight", Tensor::scalar(weights_[i], DType::f64));
  }
  return all;
}

void Surgeon::restore(const State& state) {
  std::map<std::string, Tensor> given(state.begin(), state.end());
  std::vector<double> found;
  const auto refuse = [&](const std::string& problem) {
    throw Error(Exit::input, "surgery.state", "surgery state for '" + config_.method + "': " + problem, {},
                "losses and surgery cannot change in a run that is resumed");
  };
  for (const auto& [name, like] : this->state()) {
    const auto at = given.find(name);
    if (at == given.end()) refuse(escape_text(name) + " is missing");
    if (at->second.shape() != like.shape() || at->second.dtype() != like.dtype())
      refuse(escape_text(name) + " is no float64 number");
    found.push_back(at->second.item());
    given.erase(at);
  }
  if (!given.empty()) refuse(escape_text(given.begin()->first) + " belongs to no loss");
  auto next = found.begin();  // in the order of state()
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    first_losses_[i] = *next++;
    weights_[i] = *next++;
  }
}

}  // namespace triptych::surgery
