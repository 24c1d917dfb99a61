#pragma once

#include <cstdint>
#include <functional>

#include "core/tensor.h"

namespace triptych {

// How the flow dx/dt = v(x, t) is followed from noise at t = 0 to data at t = 1, in equal steps h = 1/steps:
//
//   euler   x <- x + h v(x, t)                                               one evaluation a step, error O(h)
//   heun    y = x + h v(x, t);   x <- x + h/2 (v(x, t) + v(y, t + h))        two, error O(h^2)
//
// The last step is euler's in both, and ends on what the net takes the data for: data that lie near few dimensions have
// no velocity beside them at t = 1, so a corrected last step would leave noise. One such step has an error of O(h^2)
// too.
struct FlowSampling {
  enum class Solver : std::uint8_t { euler, heun } solver = Solver::heun;
  int steps = 20;
};

// x (n,...); velocity(x, t) has its shape. Returns x at t = 1. Throws Error(usage, "generate.steps") for steps < 1.
Tensor follow_flow(Tensor x, const std::function<Tensor(const Tensor& x, double t)>& velocity, const FlowSampling& how);

}  // namespace triptych
