// How the columns of centred codes spread: the pieces of variance_hinge and vicreg. zc (n, d) has centred columns,
// n >= 2.
#pragma once

#include "core/tape.h"

namespace triptych {

// (1/d) sum_k max(0, gamma - sqrt(Var_k + eps)), Var with divisor n - 1.
Var standard_deviation_hinge(const Var& zc, double gamma, double eps);
// (1/d) sum_{k != l} C_kl^2,  C = zc^T zc / (n - 1).
Var off_diagonal_covariance(const Var& zc);

}  // namespace triptych
