// From a config to its data and model, and a finished (or unfinished) run read back.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "app/config.h"
#include "app/data_source.h"
#include "models/model.h"

namespace triptych::app {

// Throws what check_source and the constructor of the kind of source throw.
std::unique_ptr<DataSource> make_source(const DataConfig& config);

struct OpenRun {
  RunConfig config;
  std::unique_ptr<DataSource> data;
  std::unique_ptr<Model> model;      // with the parameters of the newest good checkpoint
  std::int64_t step = 0;             // of that checkpoint
  std::vector<std::string> notices;  // checkpoints that were skipped and why; data that has changed
};
// RUN/config.toml, its data (or `data` in its place: "emoji", "emoji:FOLDER"; "" for the run's own) and its newest
// checkpoint. Throws Error(input, "run.missing") for a folder without a run or without a checkpoint, and what reading
// them throws.
OpenRun open_run(const std::string& folder, const std::string& data = {});

}  // namespace triptych::app
