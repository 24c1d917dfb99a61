// What the losses on a square matrix share: how far it is from a multiple of the identity.
#pragma once

#include "core/tape.h"

namespace triptych {

// c (d, d) -> (): diagonal sum_k (c_kk - target)^2 + off_diagonal sum_{k != l} c_kl^2.
Var squared_entries(const Var& c, double diagonal, double target, double off_diagonal);

}  // namespace triptych
