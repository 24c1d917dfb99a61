#pragma once

#include "core/op_info.h"

namespace triptych {

// Every pair of rows is a yes/no question, "same sample?": a, b (n, d), logit_scale () = natural log of the scale
// (start: ln 10), bias () (start: -10, or ln(1/(n-1))) -> (). The sum over all n^2 pairs is divided by n. Throws
// Error(input) on other shapes. Zhai et al. 2023, arXiv 2303.15343, Algorithm 1.
Var siglip(const Var& a, const Var& b, const Var& logit_scale, const Var& bias);

const OpInfo& siglip_info();

}  // namespace triptych
