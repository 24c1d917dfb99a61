#pragma once

#include <string>

#include "models/layers/feed_forward.h"
#include "models/layers/layer_norm.h"

namespace triptych {

// Encoder of ready-made features: x (..., in) -> LayerNorm(FeedForward(x)) (..., width), hidden width 4 * width.
struct FeatureEncoder {
  FeedForward mlp;
  LayerNorm norm;
  FeatureEncoder(const Init& init, const std::string& name, std::int64_t in, std::int64_t width)
      : mlp(init, name + ".mlp", in, 4 * width, width), norm(init, name + ".norm", width) {}
  Var operator()(const Context& c, const Var& x) const { return norm(c, mlp(c, x)); }
};

}  // namespace triptych
