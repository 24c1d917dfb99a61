#pragma once

#include <string>

#include "models/layers/linear.h"

namespace triptych {

// gelu(x W1^T + b1) W2^T + b2: x (..., in) -> (..., out).
struct FeedForward {
  Linear up, down;
  FeedForward(const Init& init, const std::string& name, std::int64_t in, std::int64_t hidden, std::int64_t out)
      : up(init, name + ".up", in, hidden), down(init, name + ".down", hidden, out) {}
  Var operator()(const Context& c, const Var& x) const;
};

}  // namespace triptych
