// Broadcasting over leading axes, shared by add, sub and mul.
#pragma once

#include <string_view>

#include "core/tape.h"

namespace triptych::broadcast {

// Throws Error(input) unless shape(b) is a suffix of shape(a) or rank 0.
void require(std::string_view op, const Var& a, const Var& b);

// The adjoint of repeating a tensor of `shape` over leading axes: sums dy over the repeats. Returns dy where there are
// none.
Tensor sum_to(const Kernels& k, const Tensor& dy, const Shape& shape);

// a op b.
Tensor apply(Binary op, const Kernels& k, const Tensor& a, const Tensor& b);

}  // namespace triptych::broadcast
