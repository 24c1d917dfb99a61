#pragma once

#include <span>

#include "core/op_info.h"

namespace triptych {

// Joins along `axis` (negative counts from the end); all other sizes must be equal. Throws Error(input) otherwise.
Var concat(std::span<const Var> xs, int axis);

const OpInfo& concat_info();

}  // namespace triptych
