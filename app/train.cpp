#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/data_options.h"
#include "app/options.h"
#include "app/terminal.h"
#include "app/train_run.h"
#include "core/error.h"

namespace triptych::app {
namespace {

struct Options {
  TrainRequest request;
  DataOptions data;
  std::string scheme, preset;
  std::vector<std::string> set;
  std::string steps, batch, seed, threads;
  bool drop_nonfinite = false, json = false;
};

ConfigSources sources_of(const Options& o) {
  ConfigSources s = o.request.config;
  s.source = o.data.source;
  s.files = feature_files(o.data);
  const std::pair<const char*, const std::string*> values[] = {
      {"model.scheme", &o.scheme},  {"model.preset", &o.preset}, {"data.labels", &o.data.labels},
      {"train.steps", &o.steps},    {"train.batch", &o.batch},   {"train.seed", &o.seed},
      {"train.threads", &o.threads}};
  for (const auto& [key, value] : values)
    if (!value->empty()) s.values.emplace_back(key, *value);
  if (o.drop_nonfinite) s.values.emplace_back("data.drop_nonfinite", "true");
  for (const std::string& v : o.set) s.values.push_back(divide(v, "--set", "KEY=VALUE"));
  return s;
}

int run(const Options& o) {
  TrainRequest request = o.request;
  request.config = sources_of(o);
  const TrainOutcome outcome = run_training(request);
  if (outcome.status != 0) return outcome.status;
  if (o.json) {
    print_line({{"run", outcome.run},
                {"steps", outcome.steps},
                {"seconds", outcome.seconds},
                {"loss", outcome.loss},
                {"report", outcome.report},
                {"verdicts", verdicts_json(outcome.verdicts)}});
  } else {
    print("trained: " + escape_text(outcome.run, 4096) + ", " + std::to_string(outcome.steps) + " steps" +
          (outcome.report.empty() ? "" : ", report " + escape_text(outcome.report, 4096)) + "; next: triptych eval " +
          escape_text(outcome.run, 4096) + "\n" + verdicts_text(outcome.verdicts));
  }
  return 0;
}

std::function<int()> setup(CLI::App& options) {
  const auto o = std::make_shared<Options>();
  add_data(options, o->data,
           "emoji (default); emoji:FOLDER of the same files; synthetic:identifiability; synthetic:disentangled; or\n   "
           "        split:FILE, the left and right halves of the pictures in an IDX file");
  options.add_flag("--drop-nonfinite", o->drop_nonfinite, "leave out rows with NaN or Inf");
  add_text(options, "-o,--out", o->request.out, "RUN", "folder of the run")->required();
  add_text(options, "--config", o->request.config.file, "FILE", "settings in TOML, such as the config.toml of a run");
  add_text(options, "--scheme", o->scheme, "NAME",
           "how shared and private codes are made (default: shared-private); A+B for a stack");
  add_text(options, "--preset", o->preset, "NAME",
           "misa, dcca, vcca, vcca-private, clip, infonce: a published variant; generative: with a generator");
  add_list(options, "--set", o->set, "KEY=VALUE", "one setting, such as train.lr=0.001; may be repeated");
  add_text(options, "--steps", o->steps, "N", "optimizer steps: train.steps");
  add_text(options, "--batch", o->batch, "N", "items in a batch: train.batch");
  add_text(options, "--seed", o->seed, "N", "of everything random: train.seed");
  add_text(options, "--threads", o->threads, "N", "train.threads; the results are the same for any");
  options
      .add_option_function<std::string>(
          "--serve", [o](const std::string& text) { o->request.serve = parse_integer(text, "--serve", 0, 65535); },
          "shows the report while it trains at http://127.0.0.1:PORT/; 0 takes any port that is free")
      ->type_name("PORT");
  options.add_flag("--resume", o->request.resume, "go on after the newest checkpoint of RUN");
  options.add_flag("-f,--force", o->request.force,
                   "replace the run that is there; with --resume: in spite of changed settings or data");
  add_json(options, o->json);
  return [o] { return run(*o); };
}

}  // namespace

const Command train_command{"train", "trains a model; RUN gets its config, metrics, checkpoints and report",
                            "triptych train --data emoji --out runs/emoji\n"
                            "triptych train --text text.npy --image image.npy --out runs/mine --set train.lr=0.0005\n"
                            "triptych train --resume --out runs/mine",
                            setup};

}  // namespace triptych::app
