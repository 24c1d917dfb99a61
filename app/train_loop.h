// The training loop: batch -> objective -> gradients -> clip -> optimizer -> after_step, for steps first + 1 ... steps.
//
// Step s is a function of (config, data, s) and of the state before it, so a run that was interrupted and resumed ends
// with the same bits as one that was not, for any number of threads.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string_view>

#include "app/config.h"
#include "app/data_source.h"
#include "app/run_checkpoint.h"
#include "app/run_folder.h"
#include "app/run_metrics.h"
#include "models/model.h"

namespace triptych::app {

struct TermValue {
  std::string_view name;
  double value = 0, weight = 0;  // value before its weight
};
using Conflicts = surgery::Surgeon::Report;

// One step, after it was taken.
struct StepReport {
  std::int64_t step = 0, steps = 0;  // step counts from 1
  double loss = 0, lr = 0, gradient_norm = 0, gate = 0;
  std::span<const TermValue> terms;
  std::span<const Routing> routing;
  std::span<const std::string_view> short_of_samples;  // terms that left something out (models/objective/objective.h)
  const Conflicts* conflicts = nullptr;                // of the losses; null without surgery
};

struct TrainHooks {
  std::function<void(const StepReport&)> stepped;                                     // after every step
  std::function<void(std::int64_t step, const nlohmann::ordered_json& line)> logged;  // after a line of metrics
  std::function<void()> saved;                                                        // after a checkpoint
  std::function<bool()> stop;  // asked after every step: true writes a checkpoint and returns
  data::FileCalls calls;       // for the checkpoints
};

struct TrainResult {
  std::int64_t step = 0;                                   // steps done
  double loss = std::numeric_limits<double>::quiet_NaN();  // of the last step taken
  bool finished = false;                                   // false: stopped by the hook
};

// Goes on after `from` (whose state must have been restored into `model`; its optimizer state is restored here), or
// starts at 0. Writes a line of metrics every log_every steps, every monitor_every steps (with the figures of
// app/monitor.h) and at the last one (with them too), and a checkpoint every checkpoint_every steps, at the last one
// and when stopped. Throws what saving throws, and
//   numerical "train.diverged"  a loss term, a gradient or a parameter is NaN or infinite; names it, the step and the
//                               last checkpoint. The step is not taken.
TrainResult train(Model& model, DataSource& data, const RunConfig& config, const RunFolder& run, MetricsLog& metrics,
                  const Checkpoint* from, const TrainHooks& hooks = {});

}  // namespace triptych::app
