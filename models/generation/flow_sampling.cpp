#include "models/generation/flow_sampling.h"

#include <cmath>
#include <string>

#include "core/error.h"

namespace triptych {

namespace {

// x + h v.
Tensor moved(const Tensor& x, const Tensor& v, double h) {
  Tensor y(x.shape(), x.dtype());
  for (std::int64_t i = 0; i < x.size(); ++i) y.set(i, x.at(i) + h * v.at(i));
  return y;
}

Tensor ancestral_step(const Tensor& x, const Tensor& v, double t, double u, const Tensor& n) {
  const double kept = t * (1 - u) / (u * (1 - t)), fresh = std::sqrt(1 - kept * kept);
  Tensor y(x.shape(), x.dtype());
  for (std::int64_t i = 0; i < x.size(); ++i) {
    const double data = x.at(i) + (1 - t) * v.at(i), noise = x.at(i) - t * v.at(i);
    y.set(i, u * data + (1 - u) * (kept * noise + fresh * n.at(i)));
  }
  return y;
}

}  // namespace

Tensor follow_flow(const FlowNoise& noise, const std::function<Tensor(const Tensor& x, double t)>& velocity,
                   const FlowSampling& how) {
  using enum FlowSampling::Solver;
  if (how.steps < 1)
    throw Error(Exit::usage, "generate.steps", "a flow takes at least 1 step, got " + std::to_string(how.steps));
  const double h = 1.0 / how.steps;
  Tensor x = noise(0);
  for (int s = 0; s < how.steps; ++s) {
    const double t = s * h, u = (s + 1) * h;
    const Tensor v = velocity(x, t);
    if (how.solver == euler || s + 1 == how.steps)
      x = moved(x, v, h);
    else if (how.solver == heun)
      x = moved(moved(x, v, h / 2), velocity(moved(x, v, h), u), h / 2);
    else
      x = ancestral_step(x, v, t, u, noise(s + 1));
  }
  return x;
}

}  // namespace triptych
