// Small dense decompositions in float64, for closed forms that need them. The numbers are the same for any number of
// threads; none of these is ever differentiated.
#pragma once

#include "core/tensor.h"

namespace triptych {

// S^(-1/2) of a symmetric positive definite S (d, d) f64: its eigenvalues l become 1 / sqrt(l). Null when the least of
// them is no more than d times the rounding error of the largest: S is then singular. NaN or Inf in S make it all NaN.
Tensor inverse_square_root(const Tensor& s);

// a (m, n) f64 = U diag(s) V^T with k = min(m, n): U (m, k), s (k) from largest to smallest, V (n, k). NaN or Inf in a
// make everything NaN.
struct Svd {
  Tensor u, s, v;
};
Svd svd(const Tensor& a);

}  // namespace triptych
