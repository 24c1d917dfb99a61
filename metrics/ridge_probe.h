// linear_probe_r2: how much of y's variance does a linear map of x explain?
//
//   fit    B = argmin |Yc - Xs B|_F^2 + ridge |B|_F^2   Yc: columns minus their means on the fitted rows; Xs: also
//   divided
//                                                       by their standard deviations there
//   score  R^2 = mean over targets t of 1 - SSE_t / SST_t         SST_t about the mean of the scored rows
//
//   The answer does not depend on the units of x, whatever the ridge. Ridge 0 is least squares, the solution of least
//   norm where x is rank deficient. Targets that are constant on the scored rows have no R^2 and are left
//   out; nothing is returned when that leaves none.
//   chance   0 on held-out rows (it can be negative); p / (N - 1) for p white features when scored on the fitted rows
//   source   Hoerl, Kennard 1970, Ridge Regression; Alain, Bengio 2016, arXiv 1610.01644
#pragma once

#include <optional>

#include "core/tensor.h"

namespace triptych::metrics {

// Fitted and scored on the same rows. x (N, p), y (N, q), float32 or float64, finite. Throws Error (input) when the
// rows differ in number, there are fewer than 2, or ridge < 0.
std::optional<double> linear_probe_r2(const Tensor& x, const Tensor& y, double ridge = 0);

// Fitted on train, scored on test: train_x (N, p), train_y (N, q), test_x (n, p), test_y (n, q).
std::optional<double> linear_probe_r2(const Tensor& train_x, const Tensor& train_y, const Tensor& test_x,
                                      const Tensor& test_y, double ridge);

}  // namespace triptych::metrics
