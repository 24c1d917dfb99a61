// How far training is, on standard error: one line that is written over on a terminal, a plain line every tenth of the
// way and every 30 s elsewhere. No escape codes, no colours.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace triptych::app {

// "  42%  [########------------]  630/1500  7.1 steps/s  2:03 left  loss 3.214", at most `width` columns: the bar goes
// first, then the rate. seconds: for the `taken` steps of this process.
std::string progress_text(std::int64_t step, std::int64_t steps, std::int64_t taken, double seconds, double loss,
                          int width);

class Progress {
 public:
  explicit Progress(std::int64_t first_step);
  ~Progress();  // ends the line
  void show(std::int64_t step, std::int64_t steps, double loss);
  double seconds() const;  // since the start, by a clock that is never set

 private:
  using Clock = std::chrono::steady_clock;
  bool terminal_;
  bool line_open_ = false;
  std::int64_t first_step_, tenth_;
  Clock::time_point start_, last_;
};

}  // namespace triptych::app
