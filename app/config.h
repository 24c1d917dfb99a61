// RunConfig: everything that decides what a training run computes, and its one written form, TOML.
//
//   [[objective]] tables (models/objective/term.h) and
//   [data]  source = "emoji"        [model]  width = 128      [train]  steps = 1500
//
// config_fields.cpp is the one list of keys, with type, range and meaning.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "models/model.h"
#include "optim/optimizer.h"
#include "optim/surgery/surgeon.h"

namespace triptych::app {

// Ready-made features of one modality. `file` and `mask` are FILE or FILE:MEMBER (.npz, .safetensors).
struct FeatureFile {
  std::string name, file, mask;  // mask: (N,L) of 0 and 1, or lengths (N); empty when every token is real
  friend bool operator==(const FeatureFile&, const FeatureFile&) = default;
};

struct DataConfig {
  std::string source = "emoji";    // check_source() says which there are
  std::vector<FeatureFile> files;  // source = "files": at least two
  std::string labels;              // files: FILE or FILE:MEMBER, a class or a target for every row; empty: none
  std::string test;                // split: a second file, whose pictures are held out; empty: every fifth of the first
  bool drop_nonfinite = false;     // files: leave out rows with NaN or Inf in any modality
  std::string split = "standard";  // emoji: which concepts are held out, "standard" or "hard"
  std::int64_t views = 1;          // emoji: pictures and wordings per concept and batch, 1 or 2
  std::int64_t buckets = 8192;     // emoji: rows of the n-gram table
  std::int64_t seed = 0;           // synthetic: which process is drawn
  double change = 1;               // synthetic:identifiability, as the next two: data/synthetic.h
  bool statistical = false, causal = false;
};

struct TrainConfig {
  std::int64_t steps = 1000, batch = 0, warmup = 0;  // batch 0: as many as there are, at most 256
  double lr = 1e-3, clip = 1;
  OptimizerConfig optimizer;
  surgery::SurgeryConfig surgery;
  std::int64_t seed = 0, threads = 0;  // threads 0: OMP_NUM_THREADS, else one per processor
  std::int64_t log_every = 50, checkpoint_every = 500, monitor_every = 100;  // monitor_every 0: never
};

struct RunConfig {
  DataConfig data;
  ModelConfig model;  // its modalities come from the data
  TrainConfig train;
};

// Throws Error(usage, "config.value"), naming the nearest, unless source is "emoji", "emoji:FOLDER", "files",
// "synthetic:identifiability", "synthetic:disentangled" or "split:FILE".
void check_source(const std::string& source);
bool is_emoji(const std::string& source);

// The one place of the defaults.
RunConfig emoji_defaults();
RunConfig feature_defaults();

// What the command line says: later ones win.
struct ConfigSources {
  std::string file;                                         // a TOML file; empty: none
  std::string source;                                       // "emoji" or "emoji:FOLDER"; empty: not given
  std::vector<FeatureFile> files;                           // empty: not given
  std::vector<std::pair<std::string, std::string>> values;  // (key, value): from options and --set
};

// Defaults of the data's kind, then those of model.preset, then the file, then the values; checked as a whole. Paths
// become absolute. A warm-up that nobody asked for is at most a tenth of the steps. Throws Error(usage, ...):
//   "config.syntax", "config.key" (unknown: names the nearest), "config.value" (wrong type or out of range, with the
//   value and the range), "config.contradiction" (names both keys); from a file with <file>:<line>:<column>
RunConfig read_config(const ConfigSources& from);
// The same for the text of one TOML file. `file` only serves the messages.
RunConfig parse_config(std::string_view toml, const std::string& file);

// Every key with its value and meaning; parse_config gives the same config back.
std::string to_toml(const RunConfig& config);

// "query-banks + shared-private": a stack of schemes for people.
std::string stack_text(const std::vector<std::string>& schemes);

// What differs in the result of two runs, "train.steps: 100 -> 200" each: all keys but the number of threads and where
// the data lies (its fingerprint says whether it is the same).
std::vector<std::string> differences(const RunConfig& from, const RunConfig& to);

}  // namespace triptych::app
