#pragma once

#include "core/op_info.h"

namespace triptych {

// moe_feed_forward summed over the tokens of each sample: x (B, L, d), gates and index (B L, k), weights as in
// ops/moe_feed_forward.h -> y (B, d). For codes that are means over tokens this is all that is needed, and it costs
// half the products. Throws Error(input) on other shapes, or an index past the experts.
Var moe_pool(const Var& x, const Var& gates, const Var& index, const Var& w1, const Var& b1, const Var& w2,
             const Var& b2);

const OpInfo& moe_pool_info();

}  // namespace triptych
