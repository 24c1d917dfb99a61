// metrics.jsonl: one JSON object a line, each with its "step", ascending. Nothing in it depends on time, machine or
// number of threads, so runs of one config have equal files.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "app/append_file.h"

namespace triptych::app {

class MetricsLog {
 public:
  // Opens the file for appending, made when missing. Lines of steps after `last_step` and a half-written or garbled
  // last line are removed first, so that a resumed run writes no step twice. Throws Error(output, "metrics.open"), and
  // Error(input, "metrics.line") for an earlier line without a step, which no run of ours wrote.
  MetricsLog(const std::string& path, std::int64_t last_step);

  // Appends line and a line feed. When the disk is full the file keeps its whole lines, and Error(output,
  // "metrics.write") is thrown.
  void append(std::string_view line);

 private:
  AppendFile file_;
};

}  // namespace triptych::app
