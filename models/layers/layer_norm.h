#pragma once

#include <string>

#include "models/context.h"
#include "models/layers/init.h"
#include "ops/layer_norm.h"

namespace triptych {

// Layer normalisation over the last axis, with gain 1 and shift 0 at the start.
struct LayerNorm {
  ParameterId gamma, beta;
  LayerNorm(const Init& init, const std::string& name, std::int64_t width)
      : gamma(init.fill(name + ".gamma", {width}, 1)), beta(init.fill(name + ".beta", {width}, 0)) {}
  Var operator()(const Context& c, const Var& x) const { return layer_norm(x, c[gamma], c[beta]); }
};

}  // namespace triptych
