#pragma once

#include "core/op_info.h"

namespace triptych {

// What keeping slots costs: the mean of their keep probabilities (or of the straight-through gates), keep (..., slots)
// in [0, 1] -> () in [0, 1]. Throws Error(input) when empty. Fan et al. 2024 (AdaSlot), arXiv 2406.09196.
Var slot_count(const Var& keep);

const OpInfo& slot_count_info();

}  // namespace triptych
