#pragma once

#include "core/op_info.h"

namespace triptych {

// Matrix product op(a) op(b), one for each index of the leading axes, which must be equal: (..., m, k) (..., k, n) ->
// (..., m, n). trans_a and trans_b say that a matrix is stored transposed: a (..., k, m), b (..., n, k). Throws
// Error(input) when the sizes do not fit.
Var matmul(const Var& a, const Var& b, bool trans_a = false, bool trans_b = false);

const OpInfo& matmul_info();

}  // namespace triptych
