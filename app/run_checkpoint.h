// Checkpoints: the whole state of a training run in one safetensors file.
//
//   model.<parameter>        the parameters
//   optimizer.<parameter>.<buffer>|.steps   the optimizer
//   surgery.<name>           loss weights that the surgery method has learned
//   metadata                 format, version, step, config (TOML), data (fingerprint), hashes of every tensor and of
//                            the metadata, so that any changed bit is found and its place named
//
// Random numbers are functions of (seed, step), so there is no generator to save. The bytes of the file do not depend
// on time, machine or number of threads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/run_folder.h"
#include "core/parameter.h"
#include "data/atomic_file.h"
#include "optim/optimizer.h"
#include "optim/surgery/surgeon.h"

namespace triptych::app {

constexpr const char* checkpoint_format = "triptych-checkpoint";  // metadata "format"

struct Checkpoint {
  std::int64_t step = 0;  // steps done
  std::string config;     // TOML, without the number of threads
  std::string data;       // fingerprint of the data
  std::vector<std::pair<std::string, Tensor>> parameters;
  Optimizer::State optimizer;
  surgery::Surgeon::State surgery;  // empty for most methods
};

// Syncs metrics.jsonl, writes checkpoints/step-<step> whole or not at all, then removes all but the newest two; one
// that does not read well is none of the two. Throws Error(output, "metrics.sync") and what write_file_atomically
// throws; earlier checkpoints are then untouched.
void save_checkpoint(const RunFolder& run, const Checkpoint& checkpoint, const data::FileCalls& calls = {});

// Throws Error(input, ...): what read_safetensors throws, "checkpoint.format" (not one, or of a newer version) and
// "checkpoint.damaged" naming the tensor or the metadata whose bits have changed.
Checkpoint read_checkpoint(const std::string& path);

struct FoundCheckpoint {
  std::string path;
  Checkpoint checkpoint;
  std::vector<std::string> skipped;  // newer ones and why they were not taken
};
// The newest checkpoint of the run folder that reads well; nothing when there is none at all. Throws Error(input,
// "checkpoint.none") with every reason when there are some and all are damaged.
std::optional<FoundCheckpoint> newest_checkpoint(const std::string& run);

// Copies the values into `to`. Throws Error(input, "checkpoint.parameters") that names a parameter which is missing,
// unknown or of another shape; nothing is changed then.
void restore_parameters(const Checkpoint& checkpoint, Parameters& to);

}  // namespace triptych::app
