#pragma once

#include <cstdint>

#include "core/op_info.h"

namespace triptych {

// Sets entries to zero with probability p and scales the others by 1 / (1 - p). The draw is a function of (seed,
// stream) and the place of the entry alone. Throws Error(input) unless 0 <= p < 1. Srivastava et al. 2014.
Var dropout(const Var& x, double p, std::uint64_t seed, std::uint64_t stream);

const OpInfo& dropout_info();

}  // namespace triptych
