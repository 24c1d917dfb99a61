// One look of a Monitor (monitor.h): figures of the codes of two samples.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "app/monitor.h"

namespace triptych::app {

// The codes of a sample, by modality.
struct SampleCodes {
  std::vector<Tensor> private_code, shared_code, raw_shared_code;
  Factors factors;
};

struct LookInputs {
  const ModelConfig& config;
  const MonitorSample &fit, &test;
  const SampleCodes &fit_codes, &test_codes;
  const std::vector<Tensor>& inputs;  // of each modality: compared_rows of what its test samples are
};
// Adds the figures to a line. Throws what the metrics throw.
void look(const LookInputs& in, nlohmann::ordered_json& line);

// The first 128 rows: those that CKA takes.
Tensor compared_rows(const Tensor& t);

}  // namespace triptych::app
