#pragma once

#include "core/op_info.h"

namespace triptych {

// Mean over tokens of the squared log-sum-exp of the router's logits (tokens, experts), which keeps them small; mask
// (tokens) and allowed (experts) as in losses/routing.h -> scalar. Throws Error(input) on other shapes. Zoph et al.
// 2022, eq. 5.
Var router_z_loss(const Var& logits, const Var& mask = {}, const Var& allowed = {});

const OpInfo& router_z_loss_info();

}  // namespace triptych
