#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "core/tensor.h"

namespace triptych {

// How the flow dx/dt = v(x, t) is followed from noise at t = 0 to data at t = 1, in equal steps h = 1/steps, u = t + h:
//
//   euler       x <- x + h v(x, t)                                                one evaluation a step, error O(h)
//   heun        y = x + h v(x, t);   x <- x + h/2 (v(x, t) + v(y, u))             two, error O(h^2)
//   ancestral   d = x + (1 - t) v(x, t);   e = x - t v(x, t)                      one
//               x <- u d + (1 - u) (sqrt(1 - r^2) e + r n),   r^2 = 1 - (t (1 - u) / (u (1 - t)))^2
//
// d and e are the data and the noise that x is taken for, n is drawn anew. The first two keep every error of the net
// that they ever made; ancestral's new noise covers it, and the net gets to correct it. Ho et al. 2020, arXiv
// 2006.11239, eq. 11, in the form of Song et al. 2021, arXiv 2010.02502, eq. 16 with eta = 1.
//
// The last step is euler's in all three, and ends on what the net takes the data for: data that lie near few dimensions
// have no velocity beside them at t = 1, so a corrected last step would leave noise. One such step has an error of
// O(h^2) too.
struct FlowSampling {
  enum class Solver : std::uint8_t { euler, heun, ancestral } solver = Solver::ancestral;
  int steps = 20;
  // g: follow v_0 + g (v_k - v_0), v_k the velocity for the codes k and v_0 the one for no codes, away from what all
  // samples have in common. Two evaluations for one; g = 1 is v_k. Ho & Salimans 2022, arXiv 2207.12598.
  // Absent: GeneratorConfig::usual_guidance.
  std::optional<double> guidance = {};
};

// Independent standard normal entries (n,...): of the start for k = 0, and for ancestral's step k = 1, 2, ...
using FlowNoise = std::function<Tensor(int k)>;

// velocity(x, t) has the shape of x. Returns x at t = 1. Throws Error(usage, "generate.steps") for steps < 1.
Tensor follow_flow(const FlowNoise& noise, const std::function<Tensor(const Tensor& x, double t)>& velocity,
                   const FlowSampling& how);

}  // namespace triptych
