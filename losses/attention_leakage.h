#pragma once

#include "core/op_info.h"

namespace triptych {

struct AttentionLeakage {
  Var value;       // () share of all attention that goes to foreign tokens
  Var per_query;   // (..., queries) the same query by query
  Var normalised;  // () value divided by the share of tokens that are foreign: 1 is indifferent
};

// How much attention goes where it should not: attention (..., queries, tokens), not negative, and the columns of the
// foreign tokens, int32 (k), each once. Padding has no attention and so costs nothing, but counts as tokens in
// `normalised`. Throws Error(input) on other shapes or columns outside the tokens. The metric of this name
// (metrics/leakage.h) is the same number.
AttentionLeakage attention_leakage(const Var& attention, const Var& foreign);

const OpInfo& attention_leakage_info();

}  // namespace triptych
