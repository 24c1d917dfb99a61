// Every method of gradient surgery and loss weighting, in the one explicit list.
#pragma once

#include <span>

#include "optim/surgery/method.h"

namespace triptych {

std::span<const OpInfo* const> all_surgery();
// Those that are functions of the Gramian alone, with what they guarantee.
std::span<const surgery::Method* const> gramian_methods();

}  // namespace triptych
