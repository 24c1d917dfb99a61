// The cross-covariance losses are all c |A^T B|_F^2 of matrices A (n, da), B (n, db) made of the two codes.
#pragma once

#include <string_view>

#include "core/tape.h"

namespace triptych {

// Records  L = c |M|_F^2,  M = A^T B,  as a node `loss` of a and b:
//
//   dA = 2 c dL B M^T,   dB = 2 c dL A M      (A, B and M are all that is saved)
//
// A = a and B = b, or both centred: then dA and dB are centred as well, so the gradient of the centring is the identity
// and they are already da and db.
Var cross_product(std::string_view loss, const Var& a, const Var& b, const Tensor& A, const Tensor& B, double c);

}  // namespace triptych
