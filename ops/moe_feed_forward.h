#pragma once

#include "core/op_info.h"

namespace triptych {

// Mixture of feed-forward experts on routed tokens: x (tokens, d), gates (tokens, k), index int32 (tokens, k) (the
// expert of each choice; negative = dropped, or not one of these experts), and expert by expert the weights of
// ops/feed_forward.h: w1 (experts, hidden, d), b1 (experts, hidden), w2 (experts, d, hidden), b2 (experts, d)
// -> y (tokens, d), zero for a token without an expert (the residual is the caller's). Work is proportional to the
// choices that are not negative. Throws Error(input) on other shapes, or an index past the experts.
Var moe_feed_forward(const Var& x, const Var& gates, const Var& index, const Var& w1, const Var& b1, const Var& w2,
                     const Var& b2);

const OpInfo& moe_feed_forward_info();

}  // namespace triptych
