// Surgeon: m weighted losses of one tape -> one gradient per parameter. One backward pass a loss gives the gradients
// g_i of weight_i * L_i; of the parameters that two or more losses reach they become sum_i w_i g_i, with the weights of
// a method of gradient surgery. Parameters of one loss get its gradient.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/tape.h"
#include "optim/surgery/method.h"

namespace triptych::surgery {

struct SurgeryConfig {
  // A name of gramian_methods(), "gradnorm", or "none": the sum of the losses in one backward pass. "sum" gives the
  // same step, and tells how much the losses conflict.
  std::string method = "none";
  double c = 0.4;                  // cagrad
  double alpha = 1.5, lr = 0.025;  // gradnorm: explain gradnorm_step
};

class Surgeon {
 public:
  // `losses`: the names of all that may come. Throws Error(usage, "surgery.method") that names the nearest method.
  Surgeon(const SurgeryConfig& config, std::vector<std::string> losses, std::uint64_t seed);
  // Whether there is anything to do: the method is not "none".
  bool operates() const { return config_.method != "none"; }

  struct Loss {
    std::string_view name;
    Var value;
    double weight = 1;
  };
  struct Report {
    std::vector<std::string_view> losses;  // that had a say
    Gramian conflicts;                     // of their gradients by the shared parameters
    Vector weights;
  };
  // gradients[i] belongs to vars[i]; null where no loss depends on it. A loss whose gradient by all shared parameters
  // is zero is left out of the report: it has no say in this step. Throws Error(numerical, "surgery.gradient") naming
  // the loss whose gradient is not finite, and "surgery.loss" when gradnorm meets a loss that is not above 0.
  Report operate(Tape& tape, std::span<const Loss> losses, std::span<const Var> vars, std::int64_t step,
                 std::vector<Tensor>& gradients);

  // For a checkpoint: what the method remembers, "<loss>.weight" and "<loss>.first_loss" -> float64 (); empty for most.
  using State = std::vector<std::pair<std::string, Tensor>>;
  State state() const;
  // In any order. Throws Error(input, "surgery.state") when it is not the state of this method and these losses.
  void restore(const State& state);

 private:
  Vector weights(const Gramian& g, std::span<const Loss> losses, Tape& tape, std::int64_t step);
  Vector gradnorm(const Gramian& g, std::span<const Loss> losses);

  SurgeryConfig config_;
  const Method* method_ = nullptr;  // null: gradnorm or none
  std::vector<std::string> names_;
  std::uint64_t seed_;
  std::vector<double> weights_, first_losses_;  // gradnorm's, one per name; first_losses_ is 0 until the loss was seen
};

}  // namespace triptych::surgery
