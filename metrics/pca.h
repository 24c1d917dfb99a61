// Principal components, to look at a code in two dimensions: its rows in the directions in which they vary most.
//
//   scores = (z - mean) V,  V the eigenvectors of the covariance by falling eigenvalue (Pearson 1901)
//   sign   the entry of largest magnitude of each column of V is positive, so equal codes give equal pictures
#pragma once

#include <vector>

#include "core/tensor.h"

namespace triptych::metrics {

struct Components {
  Tensor scores;                  // (N, k), float64
  std::vector<double> explained;  // k: shares of the variance, descending; all 0 for a constant code
};

// z (N, d), float32 or float64, finite; 1 <= k; directions beyond the d there are count 0. Throws Error (input)
// otherwise. Time N d^2 + d^3.
Components principal_components(const Tensor& z, std::int64_t k);

}  // namespace triptych::metrics
