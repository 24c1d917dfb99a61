#pragma once

#include "core/op_info.h"

namespace triptych {

// Squared coefficient of variation of the experts' importance: gates (tokens, experts) = noise-free router
// probabilities; mask (tokens) and allowed (experts) as in losses/routing.h -> scalar, 0 when even. Throws Error(input)
// on other shapes. Shazeer et al. 2017, eq. 6-7.
Var importance_loss(const Var& gates, const Var& mask = {}, const Var& allowed = {});

const OpInfo& importance_loss_info();

}  // namespace triptych
