// RUN/seconds.txt: how long a run has trained so far, over all its resumes. Apart from metrics.jsonl, which must not
// depend on time.
#pragma once

#include <string>

namespace triptych::app {

double read_seconds(const std::string& run);  // 0 when there is none, or it is not a number
void write_seconds(const std::string& run, double seconds);

}  // namespace triptych::app
