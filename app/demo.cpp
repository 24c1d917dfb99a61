#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/options.h"
#include "app/terminal.h"
#include "app/train_run.h"
#include "core/error.h"

namespace triptych::app {
namespace {

struct Options {
  TrainRequest request;
  std::string steps, threads;
  bool json = false;
};

// runs/demo, runs/demo-2, ...: the first that is free.
std::string free_folder() {
  const std::string base = "runs/demo";
  std::string name = base;
  for (int n = 2; std::filesystem::exists(name); ++n) name = base + "-" + std::to_string(n);
  return name;
}

int run(const Options& o) {
  TrainRequest request = o.request;
  request.config.source = "emoji";
  if (request.out.empty()) request.out = free_folder();
  if (!o.steps.empty()) request.config.values.emplace_back("train.steps", o.steps);
  if (!o.threads.empty()) request.config.values.emplace_back("train.threads", o.threads);
  const TrainOutcome outcome = run_training(request);
  if (outcome.status != 0) return outcome.status;
  if (o.json) {
    print_line({{"run", outcome.run},
                {"steps", outcome.steps},
                {"seconds", outcome.seconds},
                {"loss", outcome.loss},
                {"report", outcome.report},
                {"verdicts", verdicts_json(outcome.verdicts)}});
    return 0;
  }
  const std::string shown = escape_text(outcome.run, 4096);
  print(verdicts_text(outcome.verdicts) +
        (outcome.report.empty() ? "" : "report: " + escape_text(outcome.report, 4096) + "\n") +
        "next:   triptych eval " + shown + "\n        triptych report " + shown +
        "\n        triptych train --text T.npy --image I.npy --out runs/mine\n");
  return 0;
}

std::function<int()> setup(CLI::App& options) {
  const auto o = std::make_shared<Options>();
  add_text(options, "-o,--out", o->request.out, "RUN", "folder of the run (default: runs/demo, or the next free name)");
  add_text(options, "--steps", o->steps, "N", "optimizer steps, for a shorter look");
  add_text(options, "--threads", o->threads, "N",
           "threads (default: one per processor); the results are the same for any");
  add_json(options, o->json);
  return [o] { return run(*o); };
}

}  // namespace

const Command demo_command{"demo", "trains on the built-in emoji pairs with all defaults",
                           "triptych demo\n"
                           "triptych demo --out runs/first",
                           setup};

}  // namespace triptych::app
