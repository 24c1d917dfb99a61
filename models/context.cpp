#include "models/context.h"

#include "ops/dropout.h"

namespace triptych {

void Context::begin(bool training, std::uint64_t seed, std::int64_t step) {
  tape_->clear();
  vars_.clear();
  for (const Parameter& p : *parameters_)
    vars_.push_back(training ? tape_->variable(p.value) : tape_->constant(p.value));
  training_ = training;
  seed_ = seed;
  step_ = static_cast<std::uint64_t>(step);
  calls_ = 0;
  detached_ = 0;
}

void Context::begin(std::span<const Var> parameters) {
  vars_.assign(parameters.begin(), parameters.end());
  training_ = true;
  seed_ = step_ = calls_ = 0;
  detached_ = 0;
}

Var Context::dropout(const Var& x, double p) {
  if (!training_ || p == 0) return x;
  const auto [seed, stream] = next_stream();
  return triptych::dropout(x, p, seed, stream);
}

// 64 streams a step, then 2^20 of a range of their own.
Context::Stream Context::next_stream() {
  const std::uint64_t call = calls_++;
  return {seed_, call < 64 ? step_ * 64 + call : (std::uint64_t{1} << 62) + (step_ << 20) + call};
}

Var Context::detach(const Var& x) {
  if (!held_) return tape_->constant(x.value());
  if (detached_ == held_->size()) held_->push_back(x.value());
  return tape_->constant((*held_)[detached_++]);
}

Context Context::detached() const {
  Context still = *this;
  for (Var& v : still.vars_)
    if (v.requires_grad()) v = tape_->constant(v.value());
  return still;
}

}  // namespace triptych
