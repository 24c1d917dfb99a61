#pragma once

#include <string>

#include "models/layers/linear.h"
#include "ops/gru_cell.h"
#include "ops/linear.h"
#include "ops/matmul.h"
#include "ops/reshape.h"

namespace triptych {

// Gated recurrent unit (ops/gru_cell.h) in two parts, so that what is the same for many rows or steps is computed once.
// Weights and biases start uniform in +-1/sqrt(width), as in PyTorch.
struct GruCell {
  Linear input, state;
  GruCell(const Init& init, const std::string& name, std::int64_t width)
      : input(init, name + ".input", width, 3 * width), state(init, name + ".state", width, 3 * width) {}

  // The input map; with `before` it is applied to before(x) as one map: W_x (W x + b) + b_x.
  struct InputMap {
    Var weight, bias;
  };
  InputMap input_map(const Context& c, const Linear* before = nullptr) const {
    if (!before) return {c[input.weight], c[input.bias]};
    const Var w = c[input.weight], b = c[before->bias];
    const Var bias = linear(reshape(b, {1, b.shape()[0]}), w, c[input.bias]);
    return {matmul(w, c[before->weight]), reshape(bias, {w.shape()[0]})};
  }
};

}  // namespace triptych
