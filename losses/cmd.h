#pragma once

#include "core/op_info.h"

namespace triptych {

// Central moment discrepancy: how far apart two distributions are in mean and central moments up to `moments`:
// a (n, d), b (m, d) -> (). Keep the codes bounded (a sigmoid): high moments of large values explode. Throws
// Error(input) on other shapes or a `moments` that is not a whole number >= 1. Zellinger et al. 2017, arXiv 1702.08811.
Var cmd(const Var& a, const Var& b, int moments = 5);

const OpInfo& cmd_info();

}  // namespace triptych
