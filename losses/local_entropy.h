#pragma once

#include "core/op_info.h"

namespace triptych {

// LIMoE's local loss: mean over the tokens of one modality of the entropy (nats) of the router's softmax; small when
// every token is sure of its expert. logits (tokens, experts); mask (tokens) and allowed (experts) as in
// losses/routing.h -> scalar in [0, ln experts]. Throws Error(input) on other shapes. Mustafa et al. 2022, section 2.2.
Var local_entropy(const Var& logits, const Var& mask = {}, const Var& allowed = {});

const OpInfo& local_entropy_info();

}  // namespace triptych
