// Surgeon: m weighted losses of one tape -> one gradient per parameter, by a method of gradient surgery or by a loss
// weighting.
//
// Surgery and gradnorm take one backward pass a loss. It gives the gradients g_i of weight_i * L_i; of the parameters
// that two or more losses reach they become sum_i w_i g_i. Parameters of one loss get its gradient.
// The other weightings take one pass for sum_i w_i weight_i L_i, and all parameters get its gradient.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/tape.h"
#include "optim/surgery/method.h"
#include "optim/surgery/weighting.h"

namespace triptych::surgery {

struct SurgeryConfig {
  // One of surgery_names(). "none": the sum of the losses in one backward pass. "sum" gives the same step, and tells
  // how much the losses conflict.
  std::string method = "none";
  double c = 0.4;      // cagrad
  double alpha = 1.5;  // gradnorm: explain gradnorm_step
  double lr = 0.025;   // of what gradnorm, uncertainty_weighting and famo learn
  double decay = 0;    // famo
};

// "none", the methods of gramian_methods() and the weightings: dwa, famo, gradnorm, uncertainty_weighting.
const std::vector<std::string_view>& surgery_names();
// Is it a weighting, which takes no loss below 0?
bool weighs_losses(std::string_view method);

class Surgeon {
 public:
  // `losses`: the names of all that may come. `epoch`: steps in a pass over the data, >= 1 (dwa). Throws Error(usage,
  // "surgery.method") that names the nearest method.
  Surgeon(const SurgeryConfig& config, std::vector<std::string> losses, std::uint64_t seed, std::int64_t epoch = 1);
  // Whether there is anything to do: the method is not "none".
  bool operates() const { return config_.method != "none"; }

  struct Loss {
    std::string_view name;
    Var value;
    double weight = 1;
  };
  struct Report {
    std::vector<std::string_view> losses;  // that had a say
    Gramian conflicts;  // of their gradients by the shared parameters; empty where there was one backward pass
    Vector weights;
  };
  // gradients[i] belongs to vars[i]; null where no loss depends on it. A loss whose gradient by all shared parameters
  // is zero, and with a weighting one that is exactly 0, is left out of the report: it has no say in this step. Throws
  // Error(numerical, "surgery.gradient") naming the loss whose gradient is not finite, and "surgery.loss" when a
  // weighting meets a loss below 0.
  Report operate(Tape& tape, std::span<const Loss> losses, std::span<const Var> vars, std::int64_t step,
                 std::vector<Tensor>& gradients);

  // Whether compare() is wanted after each step that was operated on.
  bool needs_next_values() const { return weighting_ && weighting_->needs_next_values(); }
  // The losses after the step, on the same batch. Throws as operate() does, also for a loss that is not finite.
  void compare(std::span<const Loss> after);

  // For a checkpoint: what the weighting remembers, each a float64 (); empty for the methods of the Gramian.
  using State = std::vector<std::pair<std::string, Tensor>>;
  State state() const;
  // In any order. Throws Error(input, "surgery.state") when it is not the state of this method and these losses;
  // nothing is changed then.
  void restore(const State& state);

 private:
  std::vector<Loss> acting(std::span<const Loss> losses) const;
  std::vector<Task> tasks(std::span<const Loss> acting) const;
  Report weigh(Tape& tape, std::span<const Loss> losses, std::span<const Var> vars, std::vector<Tensor>& gradients);
  Vector weights(const Gramian& g, std::span<const Loss> losses, Tape& tape, std::int64_t step);

  SurgeryConfig config_;
  const Method* method_ = nullptr;        // of the Gramian
  std::unique_ptr<Weighting> weighting_;  // or a weighting, or neither: "none"
  std::vector<std::string> names_;
  std::uint64_t seed_;
};

}  // namespace triptych::surgery
