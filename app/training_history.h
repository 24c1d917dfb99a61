// What a run's metrics.jsonl says about its end, for the verdict.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace triptych::app {

// How the tokens read for one code of one modality were routed by one layer; means over the last quarter of the lines
// that tell.
struct ExpertUse {
  std::int64_t layer = 0;
  std::string modality, code;  // modality: "all" for the joint code
  std::vector<double> load;    // share of the choices, by expert
  double leakage = 0;
};
struct TrainingHistory {
  std::vector<ExpertUse> experts;
};

// Lines that are not JSON objects with a step (half a line after a crash) are left out; so is a file that is missing.
// Throws what read_file throws.
TrainingHistory read_history(const std::string& path);

}  // namespace triptych::app
