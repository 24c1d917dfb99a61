#pragma once

#include "core/op_info.h"

namespace triptych {

// Mean over rows of -log softmax(logits)[target]: logits (n, c), target int32 (n) -> (). Throws Error(input) naming the
// place when a target is not a column.
Var cross_entropy(const Var& logits, const Var& target);

const OpInfo& cross_entropy_info();

}  // namespace triptych
