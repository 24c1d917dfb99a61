#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/eval_text.h"
#include "app/evaluation.h"
#include "app/options.h"
#include "app/run_open.h"
#include "app/terminal.h"
#include "core/error.h"

namespace triptych::app {
namespace {

struct Options {
  std::string run, data, split;
  std::int64_t threads = 0;
  bool json = false;
};

// Held-out figures must be held out: concepts of another split were trained on.
void choose_split(OpenRun& run, const std::string& split, bool own_data) {
  const std::string wanted = split == "split_hard" ? "hard" : "standard";
  if (split.empty() || !is_emoji(run.config.data.source) || wanted == run.config.data.split) return;
  if (own_data)
    throw Error(Exit::usage, "eval.split",
                "--split: '" + split + "' holds out other concepts than the run, which was trained on them", {},
                "train with --set data.split=" + wanted);
  run.config.data.split = wanted;
  run.data = make_source(run.config.data);
}

int run(const Options& o) {
  use_threads(o.threads);
  OpenRun run = open_run(o.run, o.data);
  for (const std::string& n : run.notices) say("warning: " + n + "\n");
  choose_split(run, o.split, o.data.empty() || o.data == "emoji");
  const Evaluation e = evaluate(all_codes(*run.model, *run.data));
  const std::string split = !is_emoji(run.config.data.source) ? "held_out"
                            : run.config.data.split == "hard" ? "split_hard"
                                                              : "split";
  if (o.json)
    print_line(evaluation_json(e, split));
  else
    print(escape_text(o.run, 4096) + ", step " + std::to_string(run.step) + ", on " +
          escape_text(run.data->description(), 4096) + "\n\n" + evaluation_text(e));
  return 0;
}

std::function<int()> setup(CLI::App& options) {
  const auto o = std::make_shared<Options>();
  add_text(options, "RUN", o->run, "", "the folder of a run")->required();
  add_text(options, "--data", o->data, "emoji|emoji:FOLDER", "other data of the same kind (default: the run's own)");
  add_choice(options, "--split", o->split, {"split", "split_hard"},
             "which emoji concepts of --data are held out (default: as in the run)");
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
