#pragma once

#include <cstdint>

#include "core/op_info.h"

namespace triptych {

// Entries [begin, end) of `axis` (negative axis counts from the end). Throws Error(input) unless
// 0 <= begin < end <= size.
Var slice(const Var& x, int axis, std::int64_t begin, std::int64_t end);

const OpInfo& slice_info();

}  // namespace triptych
