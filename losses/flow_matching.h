#pragma once

#include "core/op_info.h"

namespace triptych {

// What a velocity predicted at x_t (flow_path.h) costs: x0, x1, velocity (n, ...) of one shape, t (n) or (n, 1) -> (),
// the mean over all elements of (velocity - (x1 - x0))^2. Where what the velocity of pixels is made from is given
// (free, logits, colours: palette_nll.h), `palette` times the likelihood is added: one term, because what it teaches is
// one net. Throws Error(input) on other shapes, a part of the three and palette < 0. Lipman et al. 2023, arXiv
// 2210.02747, eq. 23 with sigma_min = 0.
Var flow_matching(const Var& x0, const Var& x1, const Var& t, const Var& velocity, const Var& free = {},
                  const Var& logits = {}, const Var& colours = {}, double palette = 0.1);

const OpInfo& flow_matching_info();

}  // namespace triptych
