// The outputs of a classifying probe's OpInfo. Internal.
#pragma once

#include "metrics/answer.h"
#include "metrics/probe_score.h"

namespace triptych::metrics {

Labels labels_of(const Var& index);
// value, low, high (each row a sample of its own), chance, above_chance.
Outputs probe_outputs(const Call& c, const ProbeScore& score);

}  // namespace triptych::metrics
