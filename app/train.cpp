#include <CLI/CLI.hpp>
#include <algorithm>
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
  std::string scheme, text, image;
  std::vector<std::string> modalities, masks, set;
  std::string steps, batch, seed, threads;
  bool drop_nonfinite = false, json = false;
};

// "name=value" in two; the value may hold more of '='.
std::pair<std::string, std::string> divide(const std::string& text, const std::string& option,
                                           const std::string& form) {
  const std::size_t at = text.find('=');
  if (at == std::string::npos || at == 0 || at + 1 == text.size())
    throw Error(Exit::usage, "option.value", option + ": '" + escape_text(text, 256) + "' must be " + form);
  return {text.substr(0, at), text.substr(at + 1)};
}

ConfigSources sources_of(const Options& o) {
  ConfigSources s = o.request.config;
  if (!o.text.empty()) s.files.push_back({"text", o.text, ""});
  if (!o.image.empty()) s.files.push_back({"image", o.image, ""});
  for (const std::string& m : o.modalities) {
    const auto [name, file] = divide(m, "--modality", "NAME=FILE");
    s.files.push_back({name, file, ""});
  }
  for (const std::string& m : o.masks) {
    const auto [name, file] = divide(m, "--mask", "NAME=FILE");
    const auto at = std::find_if(s.files.begin(), s.files.end(), [&](const FeatureFile& f) { return f.name == name; });
    if (at == s.files.end()) {
      std::vector<std::string> names;
      for (const FeatureFile& f : s.files) names.push_back(f.name);
      refuse_unknown("option.value", "modality of --mask", name, names);
    }
    at->mask = file;
  }
  const std::pair<const char*, const std::string*> values[] = {{"model.scheme", &o.scheme},
                                                               {"train.steps", &o.steps},
                                                               {"train.batch", &o.batch},
                                                               {"train.seed", &o.seed},
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
                {"report", outcome.report}});
  } else {
    print("trained: " + escape_text(outcome.run, 4096) + ", " + std::to_string(outcome.steps) + " steps" +
          (outcome.report.empty() ? "" : ", report " + escape_text(outcome.report, 4096)) + "; next: triptych eval " +
          escape_text(outcome.run, 4096) + "\n");
  }
  return 0;
}

std::function<int()> setup(CLI::App& options) {
  const auto o = std::make_shared<Options>();
  const auto list = [&](const std::string& name, std::vector<std::string>& to, const std::string& kind,
                        const std::string& meaning) {
    options.add_option(name, to, meaning)
        ->type_name(kind)
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  };
  add_text(options, "--data", o->request.config.source, "emoji|emoji:FOLDER|synthetic:NAME|split:FILE",
           "the emoji pairs (default), or a folder of the same files; synthetic:identifiability or "
           "synthetic:disentangled; or the left and right halves of the pictures in an IDX file");
  add_text(options, "--text", o->text, "FILE",
           "features of the modality 'text': .npy, or .npz or .safetensors with :MEMBER");
  add_text(options, "--image", o->image, "FILE", "features of the modality 'image'");
  list("--modality", o->modalities, "NAME=FILE", "features of another modality; may be repeated");
  list("--mask", o->masks, "NAME=FILE", "which tokens of a modality are real: (N,L) of 0 and 1, or lengths (N)");
  options.add_flag("--drop-nonfinite", o->drop_nonfinite, "leave out rows with NaN or Inf");
  add_text(options, "-o,--out", o->request.out, "RUN", "folder of the run")->required();
  add_text(options, "--config", o->request.config.file, "FILE", "settings in TOML, such as the config.toml of a run");
  add_text(options, "--scheme", o->scheme, "NAME", "how shared and private codes are made (default: shared-private)");
  list("--set", o->set, "KEY=VALUE", "one setting, such as train.lr=0.001; may be repeated");
  add_text(options, "--steps", o->steps, "N", "optimizer steps: train.steps");
  add_text(options, "--batch", o->batch, "N", "items in a batch: train.batch");
  add_text(options, "--seed", o->seed, "N", "of everything random: train.seed");
  add_text(options, "--threads", o->threads, "N", "train.threads; the results are the same for any");
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
