#include "optim/optimizer.h"

#include <map>

#include "core/error.h"
#include "optim/adam.h"
#include "optim/sgd.h"

namespace triptych {

Optimizer::Optimizer(const Kernels& kernels, Parameters& parameters, std::string_view name,
                     std::vector<std::string_view> buffers)
    : kernels_(&kernels), parameters_(&parameters), name_(name), buffers_(std::move(buffers)) {
  for (const Parameter& p : parameters) {
    Slot& slot = slots_.emplace_back();
    for (std::size_t b = 0; b < buffers_.size(); ++b)
      slot.buffers.push_back(Tensor::zeros(p.value.shape(), p.value.dtype()));
  }
}

void Optimizer::step(double lr, std::span<const Tensor> grads, double grad_scale) {
  const auto refuse = [&](const std::string& problem) {
    throw Error(Exit::internal, "optimizer.gradients", "[" + std::string(name_) + "] " + problem);
  };
  if (grads.size() != slots_.size())
    refuse(std::to_string(grads.size()) + " gradients for " + std::to_string(slots_.size()) + " parameters");
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const Tensor& p = (*parameters_)[i].value;
    if (grads[i] && (grads[i].shape() != p.shape() || grads[i].dtype() != p.dtype()))
      refuse("gradient of " + (*parameters_)[i].name + " must be " + p.shape().text() + " " +
             std::string(name_of(p.dtype())) + ", got " + grads[i].shape().text() + " " +
             std::string(name_of(grads[i].dtype())));
  }
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (!grads[i]) continue;
    ++slots_[i].steps;
    update((*parameters_)[i], grads[i], slots_[i], lr, grad_scale);
  }
}

Optimizer::State Optimizer::state() const {
  State all;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const Slot& s = slots_[i];
    const std::string& name = (*parameters_)[i].name;
    const auto steps = static_cast<std::int32_t>(s.steps);
    for (std::size_t b = 0; b < buffers_.size(); ++b)
      all.emplace_back(name + "." + std::string(buffers_[b]), s.buffers[b]);
    all.emplace_back(name + ".steps", Tensor::from({}, std::span(&steps, 1)));
  }
  return all;
}

void Optimizer::restore(const State& state) {
  const auto refuse = [](const std::string& name, const std::string& problem) {
    throw Error(Exit::input, "optimizer.state", "optimizer state: " + escape_text(name) + " " + problem, {},
                "the update rule cannot change in a run that is resumed");
  };
  std::map<std::string, Tensor> given(state.begin(), state.end());
  std::vector<Tensor> found;
  for (const auto& [name, like] : this->state()) {
    const auto it = given.find(name);
    if (it == given.end()) refuse(name, "is missing");
    const Tensor& t = it->second;
    if (t.shape() != like.shape() || t.dtype() != like.dtype())
      refuse(name, "must be " + like.shape().text() + " " + std::string(name_of(like.dtype())) + ", got " +
                       t.shape().text() + " " + std::string(name_of(t.dtype())));
    found.push_back(t);
    given.erase(it);
  }
  if (!given.empty()) refuse(given.begin()->first, "belongs to no parameter");
  auto next = found.begin();
  for (Slot& s : slots_) {
    for (const Tensor& b : s.buffers) kernels_->copy((next++)->view(), b.view(), b.size());
    s.steps = static_cast<std::int64_t>((next++)->item());
  }
}

void check(const OptimizerConfig& c) {
  if (c.rule != "sgd" && c.rule != "adam" && c.rule != "adamw")
    throw Error(Exit::usage, "optimizer.rule", "optimizer '" + escape_text(c.rule, 64) + "' must be adamw, adam or sgd",
                {}, suggest(c.rule, std::vector<std::string>{"adamw", "adam", "sgd"}));
  if (c.rule == "sgd" && c.nesterov && c.momentum == 0)
    throw Error(Exit::usage, "optimizer.nesterov", "sgd: nesterov = true needs a momentum above 0");
}

std::unique_ptr<Optimizer> make_optimizer(const OptimizerConfig& c, const Kernels& kernels, Parameters& parameters) {
  check(c);
  if (c.rule == "sgd")
    return std::make_unique<Sgd>(
        kernels, parameters,
        SgdOptions{.momentum = c.momentum, .nesterov = c.nesterov, .weight_decay = c.weight_decay});
  return std::make_unique<Adam>(kernels, parameters,
                                AdamOptions{.beta1 = c.beta1,
                                            .beta2 = c.beta2,
                                            .eps = c.eps,
                                            .weight_decay = c.weight_decay,
                                            .decoupled = c.rule == "adamw"});
}

}  // namespace triptych
