#include "models/generation/flow_sampling.h"

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

}  // namespace

Tensor follow_flow(Tensor x, const std::function<Tensor(const Tensor& x, double t)>& velocity,
                   const FlowSampling& how) {
  if (how.steps < 1)
    throw Error(Exit::usage, "generate.steps", "a flow takes at least 1 step, got " + std::to_string(how.steps));
  const double h = 1.0 / how.steps;
  for (int s = 0; s < how.steps; ++s) {
    const Tensor v = velocity(x, s * h);
    if (how.solver == FlowSampling::Solver::heun && s + 1 < how.steps) {
      const Tensor after = velocity(moved(x, v, h), (s + 1) * h);
      x = moved(moved(x, v, h / 2), after, h / 2);
    } else {
      x = moved(x, v, h);
    }
  }
  return x;
}

}  // namespace triptych
