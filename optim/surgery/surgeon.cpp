#include "optim/surgery/surgeon.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "optim/clip.h"
#include "optim/registry.h"
#include "optim/surgery/gradnorm.h"

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

// a += b, or a = b where there is no a.
void add_to(const Kernels& kernels, Tensor& a, const Tensor& b) {
  if (!b) return;
  if (!a)
    a = b;
  else {
    Tensor sum(a.shape(), a.dtype());
    kernels.binary(Binary::add, a.view(), b.view(), sum.view(), a.size(), a.size());
    a = sum;
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

Surgeon::Report Surgeon::operate(Tape& tape, std::span<const Loss> losses, const Parameters& parameters,
                                 std::span<const Var> vars, std::int64_t step, std::vector<Tensor>& gradients) {
  const Kernels& kernels = tape.kernels();
  std::vector<Gradient> of_shared(losses.size());
  gradients.assign(vars.size(), {});
  Gradients each;
  for (std::size_t i = 0; i < losses.size(); ++i) {
    tape.gradients(losses[i].value, vars, each, Tensor::scalar(losses[i].weight, losses[i].value.dtype()));
    for (std::size_t p = 0; p < vars.size(); ++p) {
      const Tensor& g = each.tensors()[p];
      if (parameters[p].shared)
        of_shared[i].push_back(g);
      else
        add_to(kernels, gradients[p], g);
    }
  }
  Report report;
  for (const Loss& l : losses) report.losses.push_back(l.name);
  for (std::size_t i = 0; i < losses.size(); ++i)
    if (!std::isfinite(global_norm(kernels, of_shared[i])))
      throw Error(Exit::numerical, "surgery.gradient",
                  "the gradient of '" + std::string(losses[i].name) + "' by the shared parameters is not finite");
  report.conflicts = gramian(kernels, of_shared);
  report.weights = weights(report.conflicts, losses, tape, step);
  const Gradient combined = combine(kernels, of_shared, report.weights);
  auto next = combined.begin();
  for (std::size_t p = 0; p < vars.size(); ++p)
    if (parameters[p].shared) gradients[p] = *next++;
  return report;
}

Vector Surgeon::weights(const Gramian& g, std::span<const Loss> losses, Tape& tape, std::int64_t step) {
  if (!method_) return gradnorm(g, losses);
  Settings settings;
  if (method_->name == "cagrad") settings.emplace_back("c", config_.c);
  if (method_->name == "pcgrad")  // an order of its own for every step
    settings.emplace_back("seed", static_cast<double>((seed_ * 1000003 + static_cast<std::uint64_t>(step)) >> 11));
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
  if (weights_.empty()) return {};
  const Shape m{static_cast<std::int64_t>(names_.size())};
  return {{"first_losses", Tensor::from(m, std::span(first_losses_), DType::f64)},
          {"weights", Tensor::from(m, std::span(weights_), DType::f64)}};
}

void Surgeon::restore(const State& state) {
  const State expected = this->state();
  const auto same = [](const auto& a, const auto& b) {
    return a.first == b.first && a.second.shape() == b.second.shape() && a.second.dtype() == b.second.dtype();
  };
  if (!std::equal(state.begin(), state.end(), expected.begin(), expected.end(), same))
    throw Error(
        Exit::input, "surgery.state",
        "surgery state: not that of '" + config_.method + "' with " + std::to_string(names_.size()) + " losses");
  if (expected.empty()) return;
  first_losses_ = state[0].second.values();
  weights_ = state[1].second.values();
}

}  // namespace triptych::surgery
