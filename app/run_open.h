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
  std::vector<std::string> notices;  // checkpoints that were skipped and why
};
// Other data to judge or encode than the run's own: a source or feature files with their labels, and for the emoji a
// split ("" for the run's). All empty: the run's own.
struct OtherData {
  std::string source;
  std::vector<FeatureFile> files;
  std::string split, labels = {};
  bool scored = true;  // its held-out items must be new to the run
  bool any() const { return !source.empty() || !files.empty() || !split.empty() || !labels.empty(); }
};
// RUN/config.toml, its data or other data, and its newest checkpoint. Throws what reading them throws, and
//   input "run.missing"       a folder without a run or without a checkpoint
//   input "run.data-changed"  the run's own data is not what it was trained on, so what is held out is not known
//   usage "run.data"          other data of another kind, or with other modalities than the run's
//   input "run.trained-on"    other data to be scored, whose held-out items the run was trained on
OpenRun open_run(const std::string& folder, const OtherData& other = {});

}  // namespace triptych::app
