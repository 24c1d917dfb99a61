#pragma once

#include <cstdint>

#include "core/op_info.h"

namespace triptych {

struct GumbelKeep {
  double tau = 1;     // temperature of the soft gate
  bool noise = true;  // off at evaluation: then the gate is logit > 0, the same at every call
  bool hard = true;   // 0 or 1 with the gradient of the soft gate (straight-through); off: the soft gate itself
  std::uint64_t seed = 0, stream = 0;
};

// A gate that keeps or drops, entry by entry, its probability sigmoid(logit) learned through the Gumbel-softmax of the
// two choices. Throws Error(input) unless tau > 0.
Var gumbel_keep(const Var& logit, const GumbelKeep& options = {});

const OpInfo& gumbel_keep_info();

}  // namespace triptych
