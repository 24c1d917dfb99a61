#include "app/run_open.h"

#include <filesystem>

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

OpenRun open_run(const std::string& folder, const std::string& data) {
  ConfigSources sources;
  sources.file = folder + "/config.toml";
  if (!std::filesystem::exists(sources.file))
    reject_input("run.missing", folder, "", "holds no config.toml, expected the folder of a run",
                 "make one with 'triptych train' or 'triptych demo'");
  OpenRun run;
  run.config = read_config(sources);
  if (!data.empty()) {
    run.config.data.source = data;
    run.config.data.files.clear();
  }
  auto found = newest_checkpoint(folder);
  if (!found)
    reject_input("run.missing", folder, "", "holds no checkpoint yet",
                 "wait for the first one, or train on with --resume");
  run.notices = std::move(found->skipped);
  run.data = make_source(run.config.data);
  if (data.empty() && run.data->fingerprint() != found->checkpoint.data)
    run.notices.push_back("the data has changed since the checkpoint was written");
  run.config.model.modalities = run.data->modalities();
  run.model = make_model(run.config.model, DType::f32, static_cast<std::uint64_t>(run.config.train.seed));
  restore_parameters(found->checkpoint, run.model->parameters());
  run.step = found->checkpoint.step;
  return run;
}

}  // namespace triptych::app
