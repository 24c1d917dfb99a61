// Shape checks of ops and losses. The text has one form everywhere:
//
//   [layer_norm] gamma (4) must be (d) with d = last size of x, got x (2, 3)
#pragma once

#include <cstdint>
#include <string_view>

#include "core/tape.h"

namespace triptych {

// Throws Error(input, "op.shape") unless `ok`: "[op] name (shape) must be rule".
void require(bool ok, std::string_view op, std::string_view name, const Var& x, std::string_view rule);
// The same with what it was compared to: "..., got other (shape)".
void require(bool ok, std::string_view op, std::string_view name, const Var& x, std::string_view rule,
             std::string_view other_name, const Var& other);
// Throws Error(input, "op.parameter"): "[op] name = value must be rule".
void require(bool ok, std::string_view op, std::string_view name, double value, std::string_view rule);
// Throws Error(input, "op.index") unless every entry of the int32 `index` is in [low, high):
// "[op] name[place] = value must be rule, got other (shape)". A floating `index` is refused too.
void require_index(std::string_view op, std::string_view name, const Var& index, std::int64_t low, std::int64_t high,
                   std::string_view rule, std::string_view other_name, const Var& other);
// Throws Error(input, "op.constant") when x wants a gradient: "[op] name must be a constant: no gradient flows into
// it".
void require_constant(std::string_view op, std::string_view name, const Var& x);

}  // namespace triptych
