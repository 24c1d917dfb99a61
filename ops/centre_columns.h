#pragma once

#include "core/op_info.h"

namespace triptych {

// x minus its column means: x (n, d) -> (n, d). Throws Error(input) unless x is (n, d) with n >= 1.
Var centre_columns(const Var& x);
// The same without recording it, for ops with a backward of their own.
Tensor centred(const Kernels& k, const Tensor& x);

const OpInfo& centre_columns_info();

}  // namespace triptych
