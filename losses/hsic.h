#pragma once

#include "core/op_info.h"

namespace triptych {

struct HsicOptions {
  bool rbf = true;        // else linear kernels
  bool unbiased = false;  // unbiased can be negative and needs n >= 4
  double bandwidth = 0;   // rbf: the squared distance at which a kernel is 1/e; 0: the median of each side
};
struct Hsic {
  Var value;
  Var bandwidth_a, bandwidth_b;  // constants; absent with linear kernels
};

// Dependence of two codes of the same samples, of any kind and not only linear: a (n, da), b (n, db) -> (). 0 in
// expectation exactly where they are independent (rbf). Throws Error(input) on other shapes, n < 2 (biased) or n < 4
// (unbiased), or bandwidth < 0. Gretton et al. 2005; Song et al. 2012.
Hsic hsic(const Var& a, const Var& b, const HsicOptions& options = {});

const OpInfo& hsic_info();

}  // namespace triptych
