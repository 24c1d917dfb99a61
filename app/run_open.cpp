#include "app/run_open.h"

#include <filesystem>
#include <set>

#include "app/emoji_source.h"
#include "app/feature_source.h"
#include "app/run_checkpoint.h"
#include "app/split_source.h"
#include "app/synthetic_source.h"
#include "core/error.h"

namespace triptych::app {

std::unique_ptr<DataSource> make_source(const DataConfig& config) {
  check_source(config.source);
  if (config.source == "files") return std::make_unique<FeatureSource>(config);
  if (config.source.starts_with("synthetic:")) return std::make_unique<SyntheticSource>(config);
  if (config.source.starts_with("split:")) return std::make_unique<SplitSource>(config);
  return std::make_unique<EmojiSource>(config);
}

namespace {

std::string modality_text(const std::vector<ModalitySpec>& modalities) {
  std::string all;
  for (const ModalitySpec& m : modalities)
    all += (all.empty() ? "" : ", ") + m.name +
           (m.kind == ModalityKind::features ? " (" + std::to_string(m.width) + ")" : "");
  return all;
}

[[noreturn]] void refuse_other(const std::string& problem, const std::string& hint = {}) {
  throw Error(Exit::usage, "run.data", problem, {}, hint);
}

// The run's config with other data in the place of its own.
RunConfig with_other(RunConfig config, const std::string& file, const OtherData& other) {
  const std::string own = config.data.source;
  const bool emoji = is_emoji(own);
  ConfigSources sources;
  sources.file = file;
  sources.files = other.files;
  sources.source = other.source;
  if (!other.split.empty()) sources.values = {{"data.split", other.split}};
  // Labels and held-out pictures of the run's own data are not those of others.
  if (!other.files.empty() || !other.labels.empty() || !other.source.empty()) {
    sources.values.emplace_back("data.labels", other.labels);
    sources.values.emplace_back("data.test", "");
  }
  const RunConfig changed = read_config(sources);
  const bool to_emoji = is_emoji(changed.data.source);
  if (emoji != to_emoji || (own == "files") != (changed.data.source == "files"))
    refuse_other(
        "the run was trained on '" + escape_text(own, 256) + "', which '" + escape_text(changed.data.source, 256) +
            "' cannot stand in for",
        own == "files" ? "give one feature file a modality: --modality NAME=FILE" : "--data takes the same kind");
  config.data = changed.data;
  return config;
}

void refuse_trained(const DataSource& own, const DataSource& other, const std::string& what) {
  const std::vector<std::string> trained = own.identities(false);
  const std::set<std::string> known(trained.begin(), trained.end());
  std::int64_t found = 0;
  const std::vector<std::string> scored = other.identities(true);
  for (const std::string& id : scored) found += known.contains(id);
  if (found > 0)
    reject_input("run.trained-on", what, "",
                 std::to_string(found) + " of its " + std::to_string(scored.size()) +
                     " held-out items are training items of the run, expected none: they would be no test",
                 "train with --set data.split=hard to judge split_hard, or leave these items out");
}

}  // namespace

OpenRun open_run(const std::string& folder, const OtherData& other) {
  const std::string file = folder + "/config.toml";
  if (!std::filesystem::exists(file))
    reject_input("run.missing", folder, "",
                 std::filesystem::exists(folder) ? "holds no config.toml, expected the folder of a run"
                                                 : "no such folder, expected the folder of a run",
                 "make one with 'triptych train' or 'triptych demo'");
  OpenRun run;
  ConfigSources sources;
  sources.file = file;
  run.config = read_config(sources);
  auto found = newest_checkpoint(folder);
  if (!found)
    reject_input("run.missing", folder, "", "holds no checkpoint yet",
                 "wait for the first one, or train on with --resume");
  run.notices = std::move(found->skipped);
  try {
    run.data = make_source(run.config.data);
    if (run.data->fingerprint() != found->checkpoint.data)
      reject_input("run.data-changed", folder, "",
                   "its data is not what it was trained on any more (fingerprint " + run.data->fingerprint() +
                       ", expected " + found->checkpoint.data + "), so what is held out is not known",
                   "put the old data back");
  } catch (const Error& e) {
    if (!other.any()) throw;
    if (other.scored)
      run.notices.push_back("nobody could check that the items scored are new to the run: " + std::string(e.what()));
    run.data = nullptr;
  }
  if (other.any()) {
    const RunConfig changed = with_other(run.config, file, other);
    std::unique_ptr<DataSource> data = make_source(changed.data);
    if (run.data) {
      if (modality_text(data->modalities()) != modality_text(run.data->modalities()))
        refuse_other("the run has the modalities " + modality_text(run.data->modalities()) + ", the data has " +
                     modality_text(data->modalities()));
      if (other.scored) refuse_trained(*run.data, *data, data->description());
    }
    run.config.data = changed.data;
    run.data = std::move(data);
  }
  run.config.model.modalities = run.data->modalities();
  run.model = make_model(run.config.model, DType::f32, static_cast<std::uint64_t>(run.config.train.seed));
  restore_parameters(found->checkpoint, run.model->parameters());
  run.step = found->checkpoint.step;
  return run;
}

}  // namespace triptych::app
