// Factors: what every scheme returns, so that every loss, metric, report and export works with every scheme.
#pragma once

#include "core/tape.h"

namespace triptych {

// One modality of a batch: tokens x (B,L,d), mask (B,L) with 1 = real token (absent: all are).
struct Tokens {
  Var x, mask;
};

struct Factors {
  // Pooled codes (means over real tokens), one per modality; (B, private width) and (B, shared width).
  Vars private_codes, shared_codes;
  Var joint;  // (B, shared width): read from all the modalities that a sample has
  // The same before pooling, (B,L,width); absent unless asked for.
  Vars private_tokens, shared_tokens;
};

}  // namespace triptych
