// What the losses of a router share. x is (tokens, experts); mask (tokens) weighs the tokens, 0 = padding, which then
// counts neither above nor below a line; allowed (experts) holds 1 for the experts that these tokens may use, the
// others do not exist for the loss. Both are constants and may be absent: every token, every expert.
#pragma once

#include <string_view>

#include "core/tape.h"

namespace triptych {

// Throws Error(input) unless x is (tokens, experts) with one of each at least, mask and allowed fit it, and one expert
// is allowed.
void require_routing(std::string_view loss, std::string_view name, const Var& x, const Var& mask, const Var& allowed);

double token_count(const Var& x, const Var& mask);      // sum of the weights
double expert_count(const Var& x, const Var& allowed);  // experts that exist
inline double weight_of(const Var& mask, std::int64_t token) { return mask ? mask.value().at(token) : 1; }
inline bool exists(const Var& allowed, std::int64_t expert) { return !allowed || allowed.value().at(expert) != 0; }

// softmax over the allowed experts; the row of a token with weight 0 is all zero.
Var router_probabilities(const Var& logits, const Var& mask, const Var& allowed);
// sum_t mask_t x_te: (experts).
Var sum_over_tokens(const Var& x, const Var& mask);
// Squared coefficient of variation of x (experts), var / mean^2 with divisor `number of experts`; 0 where all are 0.
// As a ratio of squares it has a gradient where all are equal, which std / mean has not.
Var squared_variation(const Var& x, const Var& allowed);
// Row by row -sum_e p ln p of p (rows, experts), in nats: (rows). An entry p = 0 adds 0 and receives no gradient.
Var entropy(const Var& p);

}  // namespace triptych
