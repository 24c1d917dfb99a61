#include "app/report.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/options.h"
#include "app/report_content.h"
#include "app/run_open.h"
#include "app/run_seconds.h"
#include "app/terminal.h"
#include "core/error.h"
#include "data/atomic_file.h"
#include "data/bytes.h"

namespace triptych::app {

std::string write_report(const std::string& folder) {
  const OpenRun run = open_run(folder);
  ReportContent c;
  c.run = folder;
  c.config = run.config;
  c.data = run.data->description();
  c.fingerprint = run.data->fingerprint();
  c.step = run.step;
  c.parameters = run.model->parameters().count();
  c.seconds = read_seconds(folder);
  c.notices = run.notices;
  if (std::filesystem::exists(folder + "/metrics.jsonl")) c.series = read_series(folder + "/metrics.jsonl");
  if (run.data->test_items() > 0) {
    const Codes codes = all_codes(*run.model, *run.data);
    c.modalities = codes.modalities;
    c.evaluation = evaluate(codes);
    if (const auto* emoji = dynamic_cast<const EmojiSource*>(run.data.get()))
      c.examples = retrieval_examples(*emoji, codes);
  }
  std::string path = folder + "/report.html";
  data::write_file_atomically(path, data::as_bytes(report_html(c)));
  return path;
}

namespace {

struct Options {
  std::string run;
  std::int64_t threads = 0;
  bool json = false;
};

int run(const Options& o) {
  use_threads(o.threads);
  const std::string path = write_report(o.run);
  if (o.json)
    print_line({{"run", o.run}, {"report", path}});
  else
    print(escape_text(path, 4096) + "\n");
  return 0;
}

std::function<int()> setup(CLI::App& options) {
  const auto o = std::make_shared<Options>();
  add_text(options, "RUN", o->run, "", "the folder of a run")->required();
  add_json(options, o->json);
  add_threads(options, o->threads);
  return [o] { return run(*o); };
}

}  // namespace

const Command report_command{"report", "writes RUN/report.html, one page that opens offline",
                             "triptych report runs/demo", setup};

}  // namespace triptych::app
