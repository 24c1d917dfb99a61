#pragma once

#include <string>
#include <vector>

#include "models/encoders/encoder.h"
#include "models/layers/linear.h"
#include "ops/relu.h"

namespace triptych {

// Plain layers h_i = relu(W_i h_(i-1) + b_i), each `width` wide, token by token: x (B,L,in) -> h = surface (B,L,width);
// target x. With the linear map of the code behind them this is the network of deep CCA (Andrew et al. 2013).
struct DeepEncoder {
  std::vector<Linear> layers;
  DeepEncoder(const Init& init, const std::string& name, std::int64_t in, std::int64_t width, std::int64_t depth) {
    for (std::int64_t i = 0; i < depth; ++i)
      layers.emplace_back(init, name + ".layer" + std::to_string(i), i == 0 ? in : width, width);
  }
  Encoded operator()(Context& c, const Tokens& x, double dropout) const {
    Var h = x.x;
    for (const Linear& layer : layers) h = c.dropout(relu(layer(c, h)), dropout);
    return {{h, x.mask}, {h, x.mask}, x.x};
  }
};

}  // namespace triptych
