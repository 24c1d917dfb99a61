#pragma once

#include "core/op_info.h"

namespace triptych {

struct VicregOptions {
  double sim = 25, var = 25, cov = 1, gamma = 1, eps = 1e-4;
  // The paper's formula and its authors' program disagree: the program's similarity is a mean over columns too (smaller
  // by d) and it averages the two variance terms. The published coefficients belong to the program.
  bool paper = false;
};
// `value` is weighted, the terms are not: value = sim_weight sim + var_weight (var_a + var_b) [/ 2] + cov_weight (cov_a
// + cov_b), with the division in the program's form.
struct Vicreg {
  Var value, sim, var_a, var_b, cov_a, cov_b;
};

// Pulls paired codes together while keeping each one's columns spread and uncorrelated: a, b (n, d), n >= 2. Throws
// Error(input) on other shapes or eps < 0. Bardes, Ponce, LeCun 2022, arXiv 2105.04906.
Vicreg vicreg(const Var& a, const Var& b, const VicregOptions& options = {});

const OpInfo& vicreg_info();

}  // namespace triptych
