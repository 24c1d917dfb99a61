#include "app/report.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/options.h"
#include "app/terminal.h"
#include "core/error.h"
#include "data/atomic_file.h"
#include "data/bytes.h"

namespace triptych::app {

WrittenReport write_report(const std::string& run, std::string path) {
  if (path.empty()) path = run + "/report.html";
  const ReportContent c = read_report(run);
  if (!c.unjudged.empty()) say("warning: the report has no figures of the model: " + c.unjudged + "\n");
  data::write_file_atomically(path, data::as_bytes(report_html(c)));
  return {path, c.verdicts};
}

std::string live_report(const ReportContent& about) {
  ReportContent c = about;
  const std::string metrics = c.run + "/metrics.jsonl";
  if (std::filesystem::exists(metrics)) c.series = read_series(metrics);
  c.step = std::max(c.step, c.series.last_step);
  return report_html(c);
}

namespace {

struct Options {
  std::vector<std::string> runs;
  std::string out;
  std::int64_t threads = 0;
  bool json = false;
};

int run(const Options& o) {
  use_threads(o.threads);
  std::string path = o.out;
  std::vector<Verdict> verdicts;
  if (o.runs.size() == 1) {
    WrittenReport report = write_report(o.runs[0], path);
    path = std::move(report.path);
    verdicts = std::move(report.verdicts);
  } else {
    if (path.empty())
      throw Error(Exit::usage, "report.out", "a comparison of " + std::to_string(o.runs.size()) + " runs needs --out",
                  {}, "triptych report RUN1 RUN2 --out compare.html");
    std::vector<ReportContent> all;
    for (const std::string& folder : o.runs) all.push_back(read_report(folder));
    data::write_file_atomically(path, data::as_bytes(compare_html(all)));
  }
  if (o.json && o.runs.size() == 1)
    print_line({{"run", o.runs[0]}, {"report", path}, {"verdicts", verdicts_json(verdicts)}});
  else if (o.json)
    print_line({{"runs", o.runs}, {"report", path}});
  else
    print(escape_text(path, 4096) + "\n");
  return 0;
}

std::function<int()> setup(CLI::App& options) {
  const auto o = std::make_shared<Options>();
  options.add_option("RUN", o->runs, "the folder of a run; several are compared on one page")->required();
  add_text(options, "-o,--out", o->out, "FILE", "the page (default for one run: RUN/report.html)");
  add_json(options, o->json);
  add_threads(options, o->threads);
  return [o] { return run(*o); };
}

}  // namespace

const Command report_command{"report", "writes RUN/report.html, one page that opens offline; or compares runs",
                             "triptych report runs/demo\n"
                             "triptych report runs/first runs/second --out compare.html",
                             setup};

}  // namespace triptych::app
