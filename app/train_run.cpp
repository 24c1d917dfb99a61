#include "app/train_run.h"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <optional>
#include <set>

#include "app/live_server.h"
#include "app/options.h"
#include "app/report.h"
#include "app/run_checkpoint.h"
#include "app/run_folder.h"
#include "app/run_metrics.h"
#include "app/run_open.h"
#include "app/run_seconds.h"
#include "app/tensorboard_events.h"
#include "app/terminal.h"
#include "app/train_loop.h"
#include "app/train_plan.h"
#include "app/train_progress.h"
#include "app/train_signals.h"
#include "core/error.h"
#include "data/bytes.h"
#include "data/read_file.h"

namespace triptych::app {
namespace {

constexpr std::int64_t largest_default_batch = 256;

void warn(const std::string& text) { say("warning: " + text + "\n"); }

// Chooses the batch when the config leaves it open.
void fit_to_data(RunConfig& config, const DataSource& data) {
  const std::int64_t items = data.train_items();
  if (items < 2)
    throw Error(Exit::usage, "train.items",
                "data.source = '" + escape_text(config.data.source, 256) + "' has " + std::to_string(items) +
                    " items for training, expected at least 2");
  if (config.train.batch == 0) config.train.batch = std::min(items, largest_default_batch);
  if (config.train.batch > items)
    throw Error(Exit::usage, "train.batch",
                "train.batch: '" + std::to_string(config.train.batch) + "' must be from 2 to the " +
                    std::to_string(items) + " items there are for training");
}

// As many outputs as the labels ask for, unless the config names more.
void fit_to_labels(ModelConfig& model, std::int64_t outputs) {
  if (model.outputs == 0) model.outputs = outputs;
  if (model.outputs < outputs)
    throw Error(Exit::usage, "train.labels",
                "model.outputs = " + std::to_string(model.outputs) + ", but the labels need " + std::to_string(outputs),
                {}, "leave model.outputs at 0 to take what the labels need");
}

// What the run would do other than the checkpoint's.
std::vector<std::string> changes(const Checkpoint& from, const RunConfig& config, const DataSource& data) {
  std::vector<std::string> all = differences(parse_config(from.config, "the checkpoint's config"), config);
  if (from.data != data.fingerprint()) all.push_back("data: " + from.data + " -> " + data.fingerprint());
  return all;
}

std::optional<Checkpoint> resume_point(const TrainRequest& request, const RunFolder& run, const RunConfig& config,
                                       const DataSource& data) {
  auto found = newest_checkpoint(run.path());
  if (!found) {
    warn("no checkpoint had been written yet: training starts at the beginning");
    return std::nullopt;
  }
  for (const std::string& s : found->skipped) warn("checkpoint skipped: " + s);
  const std::vector<std::string> changed = changes(found->checkpoint, config, data);
  if (changed.empty()) return std::move(found->checkpoint);
  std::string list;
  for (const std::string& c : changed) list += (list.empty() ? "" : "; ") + c;
  if (!request.force)
    throw Error(Exit::usage, "resume.differs",
                escape_text(run.path(), 4096) + ": not the run of the checkpoint: " + list, run.path(),
                "resume with the same settings and data, or with --force in spite of it");
  warn("resumed with --force: " + list);
  const std::string path = run / "forced.txt";
  std::string record;
  if (std::filesystem::exists(path)) record = data::as_text(data::read_file(path));
  record += "after step " + std::to_string(found->checkpoint.step) + ": " + list + "\n";
  data::write_file_atomically(path, data::as_bytes(record));
  return std::move(found->checkpoint);
}

// Evaluates the objective on a first batch at the start, in the middle and at the end of training: what a loss refuses
// (more columns than rows, a parameter out of range) is then known before anything is written.
void rehearse(const Model& model, DataSource& data, const TrainConfig& t) {
  Batch batch;
  data.train_batch(static_cast<std::uint64_t>(t.seed), 0, t.batch, batch);
  Tape tape(cpu_kernels());
  Context context(tape, model.parameters());
  std::set<std::string_view> acting;
  try {
    for (const double progress : {0.0, 0.5, 1.0}) {
      context.begin(true, static_cast<std::uint64_t>(t.seed), 0);
      for (const LossTerm& term : model.objective(context, batch, progress).terms) {
        acting.insert(term.name);
        if (surgery::weighs_losses(t.surgery.method) && term.value.value().item() < 0)
          throw Error(Exit::usage, "surgery.loss",
                      t.surgery.method + " needs losses above 0: '" + std::string(term.name) + "' is " +
                          number_text(term.value.value().item()),
                      {}, "pcgrad, upgrad and the other methods of docs/surgery.md take any loss");
      }
    }
  } catch (const Error& e) {
    throw Error(Exit::usage, e.code, "the objective cannot be computed on this data: " + std::string(e.what()), {},
                e.hint);
  }
  for (const TermConfig& term : model.config().objective)
    if (!acting.contains(term.name) && !acting.empty())
      warn("objective '" + term.name + "' acts on nothing in this run (weight " + number_text(term.weight) + ")");
  if (acting.empty())
    throw Error(Exit::usage, "objective.idle",
                "no term of the objective acts on this data, so nothing would be learned", {},
                "see [[objective]] in the config: weights, schedules and 'on'");
}

// Keeps RUN/report.html and the served page up with training.
class LivePage {
 public:
  LivePage(ReportContent about, LiveServer* server) : about_(std::move(about)), server_(server) {
    about_.refresh_after = live_refresh_seconds;
    write();
    if (server_) server_->show([about = about_] { return live_report(about); });
  }
  // The page as it is now. A report is no reason to stop training: when it cannot be written, it warns.
  void write() const {
    try {
      data::write_file_atomically(about_.run + "/report.html", data::as_bytes(live_report(about_)));
    } catch (const Error& e) {
      warn("the live report: " + std::string(e.what()));
    }
  }
  // No more steps come; `why` there are no figures.
  void end(const std::string& why) {
    about_.refresh_after = 0;
    about_.unjudged = why;
    write();
    if (server_) server_->show([about = about_] { return live_report(about); });
  }

 private:
  ReportContent about_;
  LiveServer* server_;
};

ReportContent about(const RunConfig& config, const DataSource& data, const Model& model, const std::string& run,
                    std::int64_t step) {
  ReportContent c;
  c.run = run;
  c.config = config;
  c.data = data.description();
  c.fingerprint = data.fingerprint();
  c.step = step;
  c.parameters = model.parameters().count();
  return c;
}

}  // namespace

TrainOutcome run_training(const TrainRequest& request) {
  std::optional<StopSignals> signals(std::in_place);
  std::signal(SIGXFSZ, SIG_IGN);  // a file size limit is then an error of write, like a full disk
  ConfigSources sources = request.config;
  if (request.resume && sources.file.empty() && std::filesystem::exists(request.out + "/config.toml"))
    sources.file = request.out + "/config.toml";
  RunConfig config = read_config(sources);
  use_threads(config.train.threads);
  const std::unique_ptr<DataSource> data = make_source(config.data);
  for (const std::string& w : data->warnings()) warn(w);
  fit_to_data(config, *data);
  config.model.modalities = data->modalities();
  fit_to_labels(config.model, data->label_outputs());
  const std::unique_ptr<Model> model =
      make_model(config.model, DType::f32, static_cast<std::uint64_t>(config.train.seed));
  if (StopSignals::received() != 0) return {request.out, 0, 0, 0, "", {}, 128 + StopSignals::received()};

  std::optional<LiveServer> server;
  if (request.serve) server.emplace(*request.serve);
  rehearse(*model, *data, config.train);
  const RunFolder run(request.out, request.resume  ? RunFolder::Open::resume
                                   : request.force ? RunFolder::Open::replace
                                                   : RunFolder::Open::fresh);
  const std::optional<Checkpoint> from =
      request.resume ? resume_point(request, run, config, *data) : std::optional<Checkpoint>();
  if (from) restore_parameters(*from, model->parameters());
  const std::int64_t first_step = from ? from->step : 0;
  say(plan_text(config, *data, *model, request.out, first_step));
  data::write_file_atomically(run / "config.toml", data::as_bytes(to_toml(config)));
  MetricsLog metrics(run / "metrics.jsonl", first_step);
  TensorboardEvents events(run / events_file, first_step);
  LivePage page(about(config, *data, *model, request.out, first_step), server ? &*server : nullptr);
  if (server) say("live report: " + server->address() + "\n");

  TrainOutcome outcome;
  outcome.run = request.out;
  {
    Progress progress(first_step);
    TrainHooks hooks;
    hooks.stepped = [&](const StepReport& r) { progress.show(r.step, r.steps, r.loss); };
    hooks.logged = [&](std::int64_t step, const auto& line) { events.append(step, numbers_of(line)); };
    hooks.saved = [&] { page.write(); };
    hooks.stop = [] { return StopSignals::received() != 0; };
    TrainResult result;
    try {
      result = train(*model, *data, config, run, metrics, from ? &*from : nullptr, hooks);
    } catch (const Error& e) {
      page.end(std::string(e.what()) + ".");
      throw;
    }
    outcome.steps = result.step;
    outcome.loss = result.loss;
    outcome.seconds = progress.seconds();
    if (!result.finished) outcome.status = 128 + StopSignals::received();
  }
  signals.reset();  // no step is left to stop after: Ctrl-C ends the program, the report too
  write_seconds(request.out, (from ? read_seconds(request.out) : 0) + outcome.seconds);
  if (outcome.status == 0) {
    WrittenReport report = write_report(request.out);
    outcome.report = std::move(report.path);
    outcome.verdicts = std::move(report.verdicts);
    if (server) {
      server->show([path = outcome.report] { return std::string(data::as_text(data::read_file(path))); });
      server->wait_for_reader(live_refresh_seconds);
    }
  } else {
    page.end("training was stopped after step " + std::to_string(outcome.steps) + "; it can go on with --resume.");
    say("stopped after step " + std::to_string(outcome.steps) +
        "; a checkpoint was written. Go on with:\n  triptych train --resume --out " + escape_text(request.out, 4096) +
        "\n");
  }
  return outcome;
}

}  // namespace triptych::app
