// A method of gradient surgery that is a function of the Gramian: what it is called, what it promises, its weights.
#pragma once

#include "core/op_info.h"
#include "optim/surgery/gramian.h"

namespace triptych::surgery {

// Rescaling the gradient of one task by c > 0 ...
enum class Scaling : std::uint8_t {
  none,
  linear,     // ... changes the step linearly: a task's influence is as large as its gradient
  invariant,  // ... leaves the direction of the step as it is: no task wins by being large
};

// What is promised; tests hold every method to it, `explain` and docs/surgery.md say it in words. Pareto stationary: a
// convex combination of the gradients is zero, so no step improves every task.
struct Guarantees {
  enum Holds : std::uint8_t { no, when_independent, always };  // when the gradients are linearly independent
  Holds no_conflict = no;                                      // g.g_i >= 0: to first order no task gets worse
  bool zero_proves_stationary = false;  // a zero step is Pareto stationary (trivially so when independent)
  bool stops_when_stationary = false;   // and where J is Pareto stationary the step is zero
  Scaling scaling = Scaling::none;
};

struct Method : OpInfo {
  Guarantees guarantees;
  // (m): the step is J^T w. The parameters are those of `call`; neither its tape nor its inputs are looked at. Zero
  // gradients have no say and, where their weight is a matter of taste, weight 0. Never NaN.
  Vector (*weights)(const Gramian& g, const Call& call);
};

// The parts that all methods have in common are filled in: jacobian (tasks, parameters) -> direction, weights.
Method method(std::string_view name, std::string_view formula, std::vector<Param> params, Guarantees guarantees,
              Vector (*weights)(const Gramian&, const Call&));

}  // namespace triptych::surgery
