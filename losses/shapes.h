// Shape rules that several losses share. Each throws Error(input) in the form of core/require.h.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/tape.h"

namespace triptych {

// z must be (n, d) with n >= least and d >= 1. A variance with divisor n - 1 asks for least = 2.
void require_codes(std::string_view loss, std::string_view name, const Var& z, std::int64_t least);
// Both as above, with equal n; the widths may differ.
void require_same_rows(std::string_view loss, const Var& a, const Var& b, std::int64_t least);
// Both as above, with equal shapes.
void require_pairs(std::string_view loss, const Var& a, const Var& b, std::int64_t least);

}  // namespace triptych
