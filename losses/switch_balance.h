#pragma once

#include "core/op_info.h"

namespace triptych {

// Load balance of a router: gates (tokens, experts) = its probabilities; mask (tokens) and allowed (experts) as in
// losses/routing.h -> scalar: E sum_e f_e P_e, 1 when tokens and probability are spread evenly, E when one expert has
// all. Typed clusters balance inside the allowed set of each modality: one call a modality, with `allowed`, weighed by
// its share of the tokens. Gradient through P only. Throws Error(input) on other shapes. Fedus et al. 2022, eq. 4.
Var switch_balance(const Var& gates, const Var& mask = {}, const Var& allowed = {});

const OpInfo& switch_balance_info();

}  // namespace triptych
