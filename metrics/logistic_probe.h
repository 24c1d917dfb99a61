// logistic_probe: can a linear classifier read a factor from a code? Fitted on train rows, scored on test rows.
// Formula: logistic_probe.cpp, `triptych explain logistic_probe`.
#pragma once

#include "core/op_info.h"
#include "metrics/probe_score.h"

namespace triptych::metrics {

// train_codes (N, d), test_codes (n, d), float32 or float64, finite; one label a row, any integers. A test label that
// train lacks counts as wrong. Throws Error (input) for shapes that do not fit, fewer than two train classes or c <= 0.
// Takes about 4 N d classes multiplications an iteration, 20 to 100 iterations.
ProbeScore logistic_probe(const Tensor& train_codes, Labels train_labels, const Tensor& test_codes, Labels test_labels,
                          double c = 0.1);

const OpInfo& logistic_probe_info();

}  // namespace triptych::metrics
