// Weighting: loss weights that follow the values of the losses (and, of some, the norms of their gradients) from step
// to step. What it has learned is in its memory, a handful of numbers a loss.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace triptych::surgery {

// A loss that acts in a step.
struct Task {
  std::size_t loss = 0;      // which one, of all that the weighting was made for
  double value = 0;          // > 0, finite
  double weight = 1;         // of the objective, > 0: what counts is weight * value
  double gradient_norm = 0;  // of weight * value by the shared parameters; 0 where it is not needed
};

class Weighting {
 public:
  virtual ~Weighting() = default;
  // Whether tasks must have a gradient_norm: that takes a backward pass a loss, else one does for all of them.
  virtual bool needs_gradient_norms() const { return false; }
  // Whether compare() is wanted after every step.
  virtual bool needs_next_values() const { return false; }

  // w, one a task: the step is on sum_i w_i weight_i L_i. What is learned from these values acts from the next step on.
  virtual std::vector<double> weights(std::span<const Task> tasks) = 0;
  // The values after that step, on the same batch.
  virtual void compare(std::span<const Task> /*after*/) {}

  // All that it remembers, "<loss>.<what>" each, to read and to set.
  using Memory = std::vector<std::pair<std::string, double*>>;
  virtual Memory memory() = 0;
};

}  // namespace triptych::surgery
