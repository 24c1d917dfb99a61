#include "optim/surgery/surgeon.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <sstream>

#include "core/error.h"
#include "optim/clip.h"
#include "optim/registry.h"
#include "optim/surgery/dwa.h"
#include "optim/surgery/famo.h"
#include "optim/surgery/gradnorm.h"
#include "optim/surgery/quadratic.h"
#include "optim/surgery/uncertainty_weighting.h"

namespace triptych::surgery {
namespace {

using Names = std::vector<std::string>;
struct NamedWeighting {
  std::string_view name;
  std::unique_ptr<Weighting> (*make)(const SurgeryConfig& c, const Names& losses, std::int64_t epoch);
};
constexpr NamedWeighting weightings[] = {
    {"dwa", [](const SurgeryConfig&, const Names& losses, std::int64_t epoch) { return dwa(losses, epoch); }},
    {"famo", [](const SurgeryConfig& c, const Names& losses, std::int64_t) { return famo(losses, c.lr, c.decay); }},
    {"gradnorm",
     [](const SurgeryConfig& c, const Names& losses, std::int64_t) { return gradnorm(losses, c.alpha, c.lr); }},
    {"uncertainty_weighting",
     [](const SurgeryConfig& c, const Names& losses, std::int64_t) { return uncertainty_weighting(losses, c.lr); }},
};

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

const std::vector<std::string_view>& surgery_names() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> all{"none"};
    for (const Method* m : gramian_methods()) all.push_back(m->name);
    for (const NamedWeighting& w : weightings) all.push_back(w.name);
    return all;
  }();
  return names;
}

bool weighs_losses(std::string_view method) {
  return std::ranges::any_of(weightings, [&](const NamedWeighting& w) { return w.name == method; });
}

Surgeon::Surgeon(const SurgeryConfig& config, Names losses, std::uint64_t seed, std::int64_t epoch)
    : config_(config), names_(std::move(losses)), seed_(seed) {
  for (const Method* m : gramian_methods())
    if (m->name == config_.method) method_ = m;
  for (const NamedWeighting& w : weightings)
    if (w.name == config_.method) weighting_ = w.make(config_, names_, epoch);
  if (!method_ && !weighting_ && operates())
    throw Error(Exit::usage, "surgery.method",
                "unknown method of gradient surgery '" + escape_text(config_.method, 64) + "'", {},
                suggest(config_.method, Names(surgery_names().begin(), surgery_names().end())));
}

Surgeon::Report Surgeon::operate(Tape& tape, std::span<const Loss> given, std::span<const Var> vars, std::int64_t step,
                                 std::vector<Tensor>& gradients) {
  const std::vector<Loss> losses = acting(given);
  gradients.assign(vars.size(), {});
  Report report;
  if (losses.empty()) return report;
  if (weighting_ && !weighting_->needs_gradient_norms()) return weigh(tape, losses, vars, gradients);

  const Kernels& kernels = tape.kernels();
  std::vector<std::vector<Tensor>> all(losses.size());
  Gradients each;
  for (std::size_t i = 0; i < losses.size(); ++i) {
    tape.gradients(losses[i].value, vars, each, Tensor::scalar(losses[i].weight, losses[i].value.dtype()));
    all[i].assign(each.tensors().begin(), each.tensors().end());
  }
  std::vector<Gradient> of_shared(losses.size());
  std::vector<std::size_t> shared;
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

  const Gramian all_tasks = gramian_of_losses(kernels, of_shared, losses);
  // A loss without a say (it has reached its floor, or shares nothing) is no task: MGDA would stand still for it.
  NonZero some = non_zero(all_tasks);
  std::vector<Loss> with_a_say;
  for (const Eigen::Index i : some.tasks) {
    with_a_say.push_back(losses[static_cast<std::size_t>(i)]);
    report.losses.push_back(with_a_say.back().name);
  }
  if (with_a_say.empty()) return report;
  report.weights = weights(some.gramian, with_a_say, tape, step);
  report.conflicts = std::move(some.gramian);
  const Gradient combined = combine(kernels, of_shared, spread(report.weights, some.tasks, all_tasks.tasks()));
  for (std::size_t k = 0; k < shared.size(); ++k) gradients[shared[k]] = combined[k];
  return report;
}

Surgeon::Report Surgeon::weigh(Tape& tape, std::span<const Loss> losses, std::span<const Var> vars,
                               std::vector<Tensor>& gradients) {
  const std::vector<double> w = weighting_->weights(tasks(losses));
  Report report;
  report.weights = Eigen::Map<const Vector>(w.data(), std::ssize(w));
  std::vector<Var> values;
  std::vector<double> factors;
  double total = 0;
  for (std::size_t i = 0; i < losses.size(); ++i) {
    report.losses.push_back(losses[i].name);
    values.push_back(losses[i].value);
    factors.push_back(w[i] * losses[i].weight);
    total += factors[i] * losses[i].value.value().item();
  }
  const Var sum = tape.record("weighted_sum", Tensor::scalar(total, values[0].dtype()), values,
                              [factors](const Tensor& dy) -> Grads {
                                Grads all;
                                for (const double f : factors) all.push_back(Tensor::scalar(f * dy.item(), dy.dtype()));
                                return all;
                              });
  Gradients of_sum;
  tape.gradients(sum, vars, of_sum);
  std::copy(of_sum.tensors().begin(), of_sum.tensors().end(), gradients.begin());
  return report;
}

Vector Surgeon::weights(const Gramian& g, std::span<const Loss> losses, Tape& tape, std::int64_t step) {
  if (weighting_) {
    std::vector<Task> with_norms = tasks(losses);
    for (std::size_t i = 0; i < losses.size(); ++i) with_norms[i].gradient_norm = g.norms(static_cast<Eigen::Index>(i));
    const std::vector<double> w = weighting_->weights(with_norms);
    return Eigen::Map<const Vector>(w.data(), std::ssize(w));
  }
  Settings settings;
  if (method_->name == "cagrad") settings.emplace_back("c", config_.c);
  if (method_->name == "pcgrad")  // an order of its own for every step
    settings.emplace_back("seed", static_cast<double>((seed_ * 1000003 + static_cast<std::uint64_t>(step)) &
                                                      ((std::uint64_t{1} << 53) - 1)));
  return method_->weights(g, Call{*method_, tape, {}, settings});
}

// With a weighting: the losses above 0. One of exactly 0 has reached its floor, where its gradient is zero, and has no
// logarithm or ratio.
std::vector<Surgeon::Loss> Surgeon::acting(std::span<const Loss> losses) const {
  if (!weighting_) return {losses.begin(), losses.end()};
  std::vector<Loss> some;
  for (const Loss& l : losses) {
    const double value = l.value.value().item();
    if (!(value >= 0) || std::isinf(value)) {
      std::ostringstream text;
      text << config_.method << " needs losses above 0: '" << l.name << "' is " << value << " at this step";
      throw Error(Exit::numerical, "surgery.loss", text.str(), {},
                  "pcgrad, upgrad and the other methods of docs/surgery.md take any loss");
    }
    if (value * l.weight > 0) some.push_back(l);
  }
  return some;
}

std::vector<Task> Surgeon::tasks(std::span<const Loss> losses) const {
  std::vector<Task> all;
  for (const Loss& l : losses) {
    const auto at = std::find(names_.begin(), names_.end(), l.name);
    if (at == names_.end())
      throw Error(Exit::internal, "surgery.loss", config_.method + ": unknown loss '" + std::string(l.name) + "'");
    all.push_back({static_cast<std::size_t>(at - names_.begin()), l.value.value().item(), l.weight});
  }
  return all;
}

void Surgeon::compare(std::span<const Loss> after) { weighting_->compare(tasks(acting(after))); }

Surgeon::State Surgeon::state() const {
  State all;
  if (!weighting_) return all;
  for (const auto& [name, number] : weighting_->memory()) all.emplace_back(name, Tensor::scalar(*number, DType::f64));
  return all;
}

void Surgeon::restore(const State& state) {
  std::map<std::string, Tensor> given(state.begin(), state.end());
  const auto refuse = [&](const std::string& problem) {
    throw Error(Exit::input, "surgery.state", "surgery state for '" + config_.method + "': " + problem, {},
                "losses and surgery cannot change in a run that is resumed");
  };
  const Weighting::Memory memory = weighting_ ? weighting_->memory() : Weighting::Memory{};
  std::vector<double> found;
  for (const auto& [name, number] : memory) {
    const auto at = given.find(name);
    if (at == given.end()) refuse(escape_text(name) + " is missing");
    if (at->second.shape() != Shape{} || at->second.dtype() != DType::f64)
      refuse(escape_text(name) + " is no float64 number");
    found.push_back(at->second.item());
    given.erase(at);
  }
  if (!given.empty()) refuse(escape_text(given.begin()->first) + " belongs to no loss");
  for (std::size_t i = 0; i < found.size(); ++i) *memory[i].second = found[i];
}

}  // namespace triptych::surgery
