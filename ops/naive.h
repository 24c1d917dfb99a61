// Forward formulas as plain loops in double, for the registry to compare the ops with. They return constants.
#pragma once

#include "core/tape.h"

namespace triptych::naive {

Var cross_entropy(const Var& logits, const Var& target);
Var layer_norm(const Var& x, const Var& gamma, const Var& beta, double eps);
Var log_softmax(const Var& x);
Var row_normalise(const Var& x, double eps);
Var softmax(const Var& x, const Var& mask);

}  // namespace triptych::naive
