// A whole training run: config, data, model, plan, folder, loop, report. What `train` and `demo` have in common.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app/config.h"
#include "app/verdict.h"

namespace triptych::app {

struct TrainRequest {
  ConfigSources config;
  std::string out;
  bool resume = false, force = false;
  std::optional<std::int64_t> serve;  // the port of the live report; 0: any that is free
};

struct TrainOutcome {
  std::string run;
  std::int64_t steps = 0;  // done
  double seconds = 0;      // of training, in this process
  double loss = 0;         // of the last step taken here; NaN when none was
  std::string report;
  std::vector<Verdict> verdicts;  // of the report
  int status = 0;                 // exit status: 0, or 130 or 143 when a signal ended it (a checkpoint was written)
};

// Tells the plan and the progress on standard error. With resume and no config the run's own is used. Throws what its
// parts throw, and Error(usage, ...): "train.items" (nothing to train on), "train.batch" (more than there is),
// "resume.differs" (config or data are not those of the checkpoint; force goes on all the same and records it in
// forced.txt); and what LiveServer throws, before anything is written.
TrainOutcome run_training(const TrainRequest& request);

}  // namespace triptych::app
