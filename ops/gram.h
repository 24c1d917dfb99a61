#pragma once

#include "core/op_info.h"

namespace triptych {

// Inner products of all rows: x (n, d) -> x x^T (n, n). Throws Error(input) unless x is a matrix.
Var gram(const Var& x);

const OpInfo& gram_info();

}  // namespace triptych
