// The curves of a run, read back from its metrics.jsonl.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace triptych::app {

// One quantity over training, by ascending step. A value that is not finite is a gap.
struct Series {
  std::string name;  // as numbers_of names it (app/run_numbers.h)
  std::vector<std::int64_t> step;
  std::vector<double> value;  // as many
};

struct TrainingSeries {
  std::vector<Series> all;      // in the order in which they were first logged
  std::int64_t last_step = 0;   // of the last line; 0 when there is none
  std::int64_t unreadable = 0;  // lines that are no JSON object with a step: left out

  const Series* find(std::string_view name) const;  // null when there is none
};

// Throws what read_file throws.
TrainingSeries read_series(const std::string& path);

}  // namespace triptych::app
