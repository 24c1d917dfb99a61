// held_out_cca: how well do the canonical directions of training rows correlate on rows they were not fitted to?
//
//   fit    S_ab = (A - mean)^T (B - mean) / (N - 1) on training rows;  S_aa' = S_aa + r tr(S_aa) / d I, S_bb' likewise
//          S_aa'^(-1/2) S_ab S_bb'^(-1/2) = U diag(.) V^T;   directions  W_a = S_aa'^(-1/2) U,  W_b = S_bb'^(-1/2) V
//   score  corr_i = correlation of column i of A W_a and of B W_b, on the rows scored
//
//   The sum over components is the total correlation of Andrew et al. 2013, table 1. The ridge is relative to the mean
//   variance, so the units of a side do not matter.
//   chance   0 on held-out rows; on the fitted ones it grows with d / N
#pragma once

#include <cstdint>
#include <vector>

#include "core/tensor.h"

namespace triptych::metrics {

struct HeldOutCca {
  std::vector<double> train, test;  // correlations of the first components, in the order of the fit
  double train_total = 0, test_total = 0;
};

// train_a (N, p), train_b (N, q), test_a (n, p), test_b (n, q), N, n >= 2, float32 or float64, finite. At most
// `components` of the min(p, q) there are. Empty when a side is constant. A component that is constant on the scored
// rows has correlation 0. Throws Error (input) on other shapes.
HeldOutCca held_out_cca(const Tensor& train_a, const Tensor& train_b, const Tensor& test_a, const Tensor& test_b,
                        std::int64_t components, double r = 1e-4);

}  // namespace triptych::metrics
