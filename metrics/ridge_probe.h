// linear_probe_r2: how much of y's variance does a linear map of x explain? Formula: ridge_probe.cpp, `triptych explain
// linear_probe_r2`. Nothing is returned when no target varies on the scored rows.
#pragma once

#include <optional>

#include "core/op_info.h"

namespace triptych::metrics {

struct RidgeOptions {
  double ridge = 0;
  bool standardised = true;  // the answer does not depend on the units of x, whatever the ridge
};

// Fitted and scored on the same rows. x (N, p), y (N, q), float32 or float64, finite. Throws Error (input) when the
// rows differ in number, there are fewer than 2, or ridge < 0.
std::optional<double> linear_probe_r2(const Tensor& x, const Tensor& y, const RidgeOptions& options = {});

// Fitted on train, scored on test: train_x (N, p), train_y (N, q), test_x (n, p), test_y (n, q).
std::optional<double> linear_probe_r2(const Tensor& train_x, const Tensor& train_y, const Tensor& test_x,
                                      const Tensor& test_y, const RidgeOptions& options = {});

// Its two halves: test_x's prediction (n, q) float64, and the score of a prediction.
Tensor linear_prediction(const Tensor& train_x, const Tensor& train_y, const Tensor& test_x,
                         const RidgeOptions& options = {});
std::optional<double> r2_score(const Tensor& predicted, const Tensor& truth);

const OpInfo& linear_probe_r2_info();

}  // namespace triptych::metrics
