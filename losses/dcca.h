#pragma once

#include "core/op_info.h"

namespace triptych {

struct Dcca {
  Var value;  // minus the sum of the correlations
  Var rho;    // (min(da, db)), from largest to smallest; a constant
};

// Makes two codes of the same samples as linearly predictable from each other as can be: the canonical correlations of
// a (n, da) and b (n, db), added up. n must exceed both widths, by a wide margin: at n <= d every correlation is 1
// whatever the codes are. r is added to the diagonal of both covariances. Throws Error(input) on other shapes, r < 0,
// or codes of dependent columns with r = 0. Andrew, Arora, Bilmes, Livescu 2013, section 3.
Dcca dcca(const Var& a, const Var& b, double r = 1e-3);

const OpInfo& dcca_info();

}  // namespace triptych
