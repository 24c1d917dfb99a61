// Kernels of centred codes: what CKA and HSIC are made of. Internal.
#pragma once

#include <optional>

#include "metrics/dense.h"

namespace triptych::metrics {

// exp(-d_ij / s), d_ij = |a_i - a_j|^2. threshold absent: s = median of d_ij over i < j; threshold f: s = 2 f^2 median
// of d_ij over all i, j. Nothing when the median is 0.
std::optional<Matrix> rbf_kernel(const Matrix& a, std::optional<double> threshold = {});

// K' in place: H K H with H = I - 11^T / N, or U-centred (zero diagonal, zero row sums). What rounding leaves of a
// constant kernel becomes exactly 0.
void centre_kernel(Matrix& k, bool u_centred);

}  // namespace triptych::metrics
