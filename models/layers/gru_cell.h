#pragma once

#include <string>

#include "models/layers/linear.h"
#include "ops/gru_cell.h"

namespace triptych {

// One step of a gated recurrent unit (ops/gru_cell.h): input x (n,width), state h (n,width) -> new state. Weights and
// biases start uniform in +-1/sqrt(width), as in PyTorch.
struct GruCell {
  Linear input, state;
  GruCell(const Init& init, const std::string& name, std::int64_t width)
      : input(init, name + ".input", width, 3 * width), state(init, name + ".state", width, 3 * width) {}
  Var operator()(const Context& c, const Var& x, const Var& h) const {
    return gru_cell(x, h, {c[input.weight], c[state.weight], c[input.bias], c[state.bias]});
  }
};

}  // namespace triptych
