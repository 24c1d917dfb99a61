#include "optim/adamw.h"

#include <map>

#include "core/error.h"

namespace triptych {

AdamW::AdamW(const Kernels& kernels, Parameters& parameters, const AdamWOptions& options)
    : kernels_(&kernels), parameters_(&parameters), options_(options) {
  for (const Parameter& p : parameters)
    slots_.push_back(
        {Tensor::zeros(p.value.shape(), p.value.dtype()), Tensor::zeros(p.value.shape(), p.value.dtype())});
}

void AdamW::step(double lr, std::span<const Tensor> grads, double grad_scale) {
  if (grads.size() != slots_.size())
    throw Error(
        Exit::internal, "optimizer.gradients",
        "[adamw] " + std::to_string(grads.size()) + " gradients for " + std::to_string(slots_.size()) + " parameters");
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const std::string& name = (*parameters_)[i].name;
    const Tensor& p = (*parameters_)[i].value;
    if (grads[i] && (grads[i].shape() != p.shape() || grads[i].dtype() != p.dtype()))
      throw Error(Exit::internal, "optimizer.gradients",
                  "[adamw] gradient of " + name + " must be " + p.shape().text() + " " +
                      std::string(name_of(p.dtype())) + ", got " + grads[i].shape().text() + " " +
                      std::string(name_of(grads[i].dtype())));
  }
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (!grads[i]) continue;
    Slot& slot = slots_[i];
    const Parameter& p = (*parameters_)[i];
    kernels_->adamw({.lr = lr,
                     .beta1 = options_.beta1,
                     .beta2 = options_.beta2,
                     .eps = options_.eps,
                     .weight_decay = p.decayed() ? options_.weight_decay : 0,
                     .grad_scale = grad_scale,
                     .step = ++slot.steps},
                    p.value.view(), grads[i].view(), slot.m.view(), slot.v.view(), p.value.size());
  }
}

AdamW::State AdamW::state() const {
  State all;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const Slot& s = slots_[i];
    const std::string& name = (*parameters_)[i].name;
    const auto steps = static_cast<std::int32_t>(s.steps);
    all.emplace_back(name + ".m", s.m);
    all.emplace_back(name + ".v", s.v);
    all.emplace_back(name + ".steps", Tensor::from({}, std::span(&steps, 1)));
  }
  return all;
}

void AdamW::restore(const State& state) {
  const auto refuse = [](const std::string& name, const std::string& problem) {
    throw Error(Exit::input, "optimizer.state", "optimizer state: " + escape_text(name) + " " + problem);
  };
  std::map<std::string, Tensor> given(state.begin(), state.end());
  std::vector<Tensor> found;
  const State expected = this->state();
  for (const auto& [name, like] : expected) {
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
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    Slot& s = slots_[i];
    kernels_->copy(found[3 * i].view(), s.m.view(), s.m.size());
    kernels_->copy(found[3 * i + 1].view(), s.v.view(), s.v.size());
    s.steps = static_cast<std::int64_t>(found[3 * i + 2].item());
  }
}

}  // namespace triptych
