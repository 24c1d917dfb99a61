// mlp_probe, mlp_probe_r2: what does a code hold that no linear map can read? A small network in place of the linear
// probes, with the same scores. Formula: mlp_probe.cpp, `triptych explain mlp_probe`.
#pragma once

#include <optional>

#include "core/op_info.h"
#include "metrics/probe_score.h"

namespace triptych::metrics {

struct MlpOptions {
  std::int64_t hidden = 32;
  double decay = 1e-4;
  std::uint64_t seed = 0;  // of the starting weights and of the rows held back to know when to stop
};

// Arguments and errors as for logistic_probe; hidden >= 1, decay >= 0. At most 200 steps over all rows, about
// 6 N d hidden multiplications each. Equal bits for any number of threads.
ProbeScore mlp_probe(const Tensor& train_codes, Labels train_labels, const Tensor& test_codes, Labels test_labels,
                     const MlpOptions& options = {});

// Arguments and errors as for linear_probe_r2, fitted on train and scored on test. mlp_prediction: (n, q) float64.
std::optional<double> mlp_probe_r2(const Tensor& train_x, const Tensor& train_y, const Tensor& test_x,
                                   const Tensor& test_y, const MlpOptions& options = {});
Tensor mlp_prediction(const Tensor& train_x, const Tensor& train_y, const Tensor& test_x,
                      const MlpOptions& options = {});

const OpInfo& mlp_probe_info();
const OpInfo& mlp_probe_r2_info();

}  // namespace triptych::metrics
