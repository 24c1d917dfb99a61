#pragma once

#include "core/op_info.h"

namespace triptych {

// Slots compete for tokens: every token shares itself out over the slots, every slot takes the mean of what it got.
struct SlotCompetition {
  Var weights;  // (..., K, L): rows sum to 1, or to 0 where a slot may read nothing
  Var shares;   // (..., K, L), a constant: columns sum to 1, or to 0 where no slot may read a token
};

// logits (..., K, L) of K slots and L tokens; permission (K, L), or (B, K, L) with B the first size of logits, or
// absent: a constant >= 0, 1 = may read, 0 = may not, anything else adds its logarithm to the logit. A slot's mean is
// taken with sum + eps in the denominator, so that a slot without tokens reads nothing. Throws Error(input) when the
// sizes do not fit or eps <= 0.
SlotCompetition slot_competition(const Var& logits, const Var& permission = {}, double eps = 1e-8);

const OpInfo& slot_competition_info();

}  // namespace triptych
