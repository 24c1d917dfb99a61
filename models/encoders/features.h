#pragma once

#include <string>

#include "models/encoders/encoder.h"
#include "models/layers/feed_forward.h"
#include "models/layers/layer_norm.h"

namespace triptych {

// Encoder of ready-made features: h = dropout(layer_norm(feed_forward(x))) token by token, hidden width 4 width;
// x (B,L,in) -> h = surface (B,L,width); target x.
struct FeatureEncoder {
  FeedForward mlp;
  LayerNorm norm;
  FeatureEncoder(const Init& init, const std::string& name, std::int64_t in, std::int64_t width)
      : mlp(init, name + ".mlp", in, 4 * width, width), norm(init, name + ".norm", width) {}
  Encoded operator()(Context& c, const Tokens& x, double dropout) const {
    const Tokens h = {c.dropout(norm(c, mlp(c, x.x)), dropout), x.mask};
    return {h, h, x.x};
  }
};

}  // namespace triptych
