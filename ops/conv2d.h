#pragma once

#include "core/op_info.h"

namespace triptych {

// 2-d convolution, channels last, zero padding: x (B, H, W, C), w (out, kernel kernel C) with columns in the order (ky,
// kx, channel), b (out) -> (B, H', W', out), H' = (H + 2 pad - kernel) / stride + 1, W' likewise. Throws Error(input)
// when the sizes do not fit.
Var conv2d(const Var& x, const Var& w, const Var& b, int kernel, int stride, int pad);

const OpInfo& conv2d_info();

}  // namespace triptych
