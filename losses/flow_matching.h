#pragma once

#include "core/op_info.h"

namespace triptych {

// What a velocity predicted at x_t (flow_path.h) costs: x0, x1, velocity (n, ...) of one shape -> (), the mean over all
// elements of (velocity - (x1 - x0))^2. Throws Error(input) on other shapes.
// Lipman et al. 2023, arXiv 2210.02747, eq. 23 with sigma_min = 0. The loss by name adds `palette` times palette_nll.h
// where what the velocity is made from is given: one term, because what it teaches is one net.
Var flow_matching(const Var& x0, const Var& x1, const Var& velocity);

const OpInfo& flow_matching_info();

}  // namespace triptych
