// Optimizer: what SGD (sgd.h), Adam and AdamW (adam.h) have in common: buffers beside every parameter, a step, a state
// for the checkpoint. Each update is one pass over parameter, gradient and buffers.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/inline_vector.h"
#include "core/parameter.h"

namespace triptych {

class Optimizer {
 public:
  virtual ~Optimizer() = default;

  // Changes the parameters in place. grads[i] belongs to parameter i and is multiplied by grad_scale first (clip.h). A
  // parameter whose gradient is null is left alone: no moments, no decay, no step counted. Throws Error(internal) when
  // the number of gradients, or a shape or dtype, is not that of the parameters; nothing is changed then.
  void step(double lr, std::span<const Tensor> grads, double grad_scale = 1);

  // For a checkpoint: "<parameter>.<buffer>" (the live tensors: clone to keep) and "<parameter>.steps", an int32 of
  // shape (): how many steps this parameter took.
  using State = std::vector<std::pair<std::string, Tensor>>;
  State state() const;
  // Copies such a state back, in any order. Throws Error(input, "optimizer.state") that names a tensor which is
  // missing, unknown or of another shape or dtype; nothing is changed then.
  void restore(const State& state);

 protected:
  struct Slot {
    InlineVector<Tensor, 2> buffers;
    std::int64_t steps = 0;
  };
  // For all of `parameters` as they now are; they must outlive the optimizer. Takes all the memory it will ever need.
  // `buffers`: the names of the tensors beside each parameter, 0 at the start.
  Optimizer(const Kernels& kernels, Parameters& parameters, std::string_view name,
            std::vector<std::string_view> buffers);
  // Updates one parameter; slot.steps already counts this step.
  virtual void update(const Parameter& p, const Tensor& grad, Slot& slot, double lr, double grad_scale) const = 0;
  const Kernels& kernels() const { return *kernels_; }

 private:
  const Kernels* kernels_;
  Parameters* parameters_;
  std::string_view name_;
  std::vector<std::string_view> buffers_;
  std::vector<Slot> slots_;  // one per parameter
};

// Settings of every update rule; each reads its own.
struct OptimizerConfig {
  std::string rule = "adamw";  // "adamw", "adam" or "sgd"
  double weight_decay = 0.01;
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;  // adam, adamw
  double momentum = 0.9;                          // sgd
  bool nesterov = false;                          // sgd
};

// Throws Error(usage, "optimizer.rule") that names the nearest rule, and "optimizer.nesterov" when it lacks momentum.
void check(const OptimizerConfig& config);
// Throws what check() throws.
std::unique_ptr<Optimizer> make_optimizer(const OptimizerConfig& config, const Kernels& kernels,
                                          Parameters& parameters);

}  // namespace triptych
