#include <filesystem>

#include "app/report_content.h"
#include "app/run_open.h"
#include "app/run_seconds.h"
#include "core/error.h"

namespace triptych::app {
namespace {

// The figures and pictures of the newest checkpoint.
void add_figures(ReportContent& c) {
  const OpenRun run = open_run(c.run);
  c.config = run.config;
  c.data = run.data->description();
  c.fingerprint = run.data->fingerprint();
  c.step = run.step;
  c.parameters = run.model->parameters().count();
  c.notices.insert(c.notices.end(), run.notices.begin(), run.notices.end());
  if (run.data->test_items() == 0) {
    c.unjudged = "the data holds out no items.";
    return;
  }
  const Codes codes = all_codes(*run.model, *run.data);
  c.modalities = codes.modalities;
  if (codes.test.empty()) {
    c.unjudged = "no held-out item has every modality.";
    return;
  }
  c.scatters = code_scatters(codes);
  if (const auto* emoji = dynamic_cast<const EmojiSource*>(run.data.get())) {
    c.examples = retrieval_examples(*emoji, codes);
    c.drawn_swaps = drawn_swaps_of(*run.model, *emoji);
    c.found_swaps = found_swaps(*emoji, codes);
    c.attention = attention_on_pictures(*run.model, *emoji);
  }
  c.evaluation = evaluate(codes);
}

}  // namespace

ReportContent read_report(const std::string& folder) {
  ReportContent c;
  c.run = folder;
  ConfigSources sources;
  sources.file = folder + "/config.toml";
  if (!std::filesystem::exists(sources.file))
    reject_input("run.missing", folder, "",
                 std::filesystem::exists(folder) ? "holds no config.toml, expected the folder of a run"
                                                 : "no such folder, expected the folder of a run",
                 "make one with 'triptych train' or 'triptych demo'");
  c.config = read_config(sources);
  c.data = c.config.data.source;
  c.seconds = read_seconds(folder);
  try {
    if (std::filesystem::exists(folder + "/metrics.jsonl")) c.series = read_series(folder + "/metrics.jsonl");
    c.step = c.series.last_step;
  } catch (const Error& e) {
    c.notices.emplace_back(e.what());
  }
  try {
    add_figures(c);
  } catch (const Error& e) {
    if (e.exit != Exit::input && e.exit != Exit::usage) throw;
    c.unjudged = std::string(e.what()) + (e.hint.empty() ? "." : "; " + e.hint + ".");
  }
  c.verdicts = judge(c.config, c.evaluation ? &*c.evaluation : nullptr, read_history(folder + "/metrics.jsonl"));
  return c;
}

}  // namespace triptych::app
