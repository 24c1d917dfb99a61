#pragma once

#include "core/op_info.h"

namespace triptych {

// Penalty on the size of activations: z (...) -> (), the mean of the squared entries. Throws Error(input) for an empty
// z.
Var mean_square(const Var& z);

const OpInfo& mean_square_info();

}  // namespace triptych
