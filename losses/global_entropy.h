#pragma once

#include "core/op_info.h"

namespace triptych {

// LIMoE's global loss: minus the entropy (nats) of the mean routing of one modality's tokens, so that the modality as a
// whole spreads out; with tau >= 0 only as far as it asks for: max(0, tau - H), tau = ln S for about S experts.
// logits (tokens, experts); mask (tokens) and allowed (experts) as in losses/routing.h -> scalar. Throws Error(input)
// on other shapes. Mustafa et al. 2022, section 2.2.
Var global_entropy(const Var& logits, double tau = -1, const Var& mask = {}, const Var& allowed = {});

const OpInfo& global_entropy_info();

}  // namespace triptych
