#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/data_options.h"
#include "app/eval_text.h"
#include "app/evaluation.h"
#include "app/options.h"
#include "app/run_open.h"
#include "app/terminal.h"
#include "app/verdict.h"
#include "core/error.h"

namespace triptych::app {
namespace {

struct Options {
  DataOptions data;
  std::string run, split;
  std::int64_t threads = 0;
  bool json = false;
};

int run(const Options& o) {
  use_threads(o.threads);
  const std::string wanted = o.split.empty() ? "" : o.split == "split_hard" ? "hard" : "standard";
  const OpenRun run = open_run(o.run, {o.data.source, feature_files(o.data), wanted, o.data.labels});
  for (const std::string& n : run.notices) say("warning: " + n + "\n");
  const Evaluation e = evaluate(all_codes(*run.model, *run.data));
  const std::string split = !is_emoji(run.config.data.source) ? "held_out"
                            : run.config.data.split == "hard" ? "split_hard"
                                                              : "split";
  const std::vector<Verdict> verdicts = judge(run.config, &e, read_history(o.run + "/metrics.jsonl"));
  if (o.json) {
    nlohmann::ordered_json all = evaluation_json(e, split);
    all["verdicts"] = verdicts_json(verdicts);
    print_line(all);
  } else {
    print(escape_text(o.run, 4096) + ", step " + std::to_string(run.step) + ", on " +
          escape_text(run.data->description(), 4096) + "\n\n" + evaluation_text(e) + "\nVerdict\n" +
          verdicts_text(verdicts));
  }
  return 0;
}

std::function<int()> setup(CLI::App& options) {
  const auto o = std::make_shared<Options>();
  add_text(options, "RUN", o->run, "", "the folder of a run")->required();
  add_data(options, o->data, "emoji or emoji:FOLDER: other data of the same kind (default: the run's own)");
  add_choice(options, "--split", o->split, {"split", "split_hard"},
             "emoji: which concepts are held out (default: as in the run)");
  add_json(options, o->json);
  add_threads(options, o->threads);
  return [o] { return run(*o); };
}

}  // namespace

const Command eval_command{"eval", "judges a run on held-out data: retrieval, probes, similarity, leakage",
                           "triptych eval runs/demo\n"
                           "triptych eval runs/demo --json\n"
                           "triptych eval runs/demo --data emoji:my_pictures",
                           setup};

}  // namespace triptych::app
