#pragma once

#include "core/op_info.h"

namespace triptych {

// The parameters of a GRU cell, the gates r, z, n in this order: w_x (3 d, in), w_h (3 d, d), b_x and b_h (3 d).
struct GruWeights {
  Var w_x, w_h, b_x, b_h;
};

// One step of a gated recurrent unit: input x (n, in), state h (n, d) -> new state (n, d). The reset gate multiplies
// the recurrent product, as in PyTorch and in Keras' reset_after form. Throws Error(input) when the sizes do not fit.
Var gru_cell(const Var& x, const Var& h, const GruWeights& w);

// The gates alone, from u = x w_x^T + b_x and v = h w_h^T + b_h, (n, 3 d) each: for products that are shared or folded.
Var gru_gates(const Var& u, const Var& v, const Var& h);

const OpInfo& gru_cell_info();

}  // namespace triptych
