#include "app/train_loop.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "app/monitor.h"
#include "app/terminal.h"
#include "app/train_finite.h"
#include "core/error.h"
#include "optim/clip.h"
#include "optim/optimizer.h"
#include "optim/schedule.h"

namespace triptych::app {
namespace {

nlohmann::ordered_json metrics_line(const StepReport& r, const ModelConfig& model, const Parameters& parameters) {
  nlohmann::ordered_json terms = nlohmann::ordered_json::object(), weights = terms;
  for (const TermValue& t : r.terms) {
    terms[std::string(t.name)] = t.value;
    weights[std::string(t.name)] = t.weight;
  }
  nlohmann::ordered_json line = {{"step", r.step},     {"loss", r.loss}, {"terms", terms},
                                 {"weights", weights}, {"lr", r.lr},     {"gradient_norm", r.gradient_norm},
                                 {"gate", r.gate}};
  for (const Routing& route : r.routing) {
    const std::string& of =
        route.modality < model.modalities.size() ? model.modalities[route.modality].name : std::string("all");
    line["routing"].push_back({{"layer", route.layer},
                               {"modality", of},
                               {"code", route.code},
                               {"load", std::vector<double>(route.load.begin(), route.load.end())},
                               {"dropped", route.dropped},
                               {"entropy", route.entropy},
                               {"leakage", route.leakage}});
  }
  for (const std::string_view term : r.short_of_samples) line["short_of_samples"].push_back(term);
  if (r.conflicts) {
    const surgery::Gramian& g = r.conflicts->conflicts;
    nlohmann::ordered_json& at = line["surgery"];
    at["losses"] = r.conflicts->losses;
    at["weights"] = std::vector<double>(r.conflicts->weights.begin(), r.conflicts->weights.end());
    if (g.tasks() > 0) at["gradient_norms"] = std::vector<double>(g.norms.begin(), g.norms.end());
    for (const auto& row : g.cosines.rowwise()) at["cosines"].push_back(std::vector<double>(row.begin(), row.end()));
  }
  for (const Parameter& p : parameters)
    if (p.name.ends_with("logit_scale") && p.value.size() == 1) line["logit_scale"] = p.value.item();
  return line;
}

void surgery_losses(const LossTerms& objective, std::vector<surgery::Surgeon::Loss>& losses) {
  losses.clear();
  for (const LossTerm& l : objective.terms) losses.push_back({l.name, l.value, l.weight});
}

Checkpoint checkpoint_of(const Model& model, const Optimizer& optimizer, const surgery::Surgeon& surgeon,
                         const RunConfig& config, const DataSource& data, std::int64_t step) {
  Checkpoint c;
  c.step = step;
  RunConfig without_threads = config;
  without_threads.train.threads = 0;
  c.config = to_toml(without_threads);
  c.data = data.fingerprint();
  for (const Parameter& p : model.parameters()) c.parameters.emplace_back(p.name, p.value);
  c.optimizer = optimizer.state();
  c.surgery = surgeon.state();
  return c;
}

}  // namespace

TrainResult train(Model& model, DataSource& data, const RunConfig& config, const RunFolder& run, MetricsLog& metrics,
                  const Checkpoint* from, const TrainHooks& hooks) {
  const TrainConfig& t = config.train;
  const Kernels& kernels = cpu_kernels();
  const auto seed = static_cast<std::uint64_t>(t.seed);
  const WarmupCosine schedule{t.lr, 0, t.warmup, t.steps};
  const auto optimizer = make_optimizer(t.optimizer, kernels, model.parameters());
  std::vector<std::string> names;
  for (const TermConfig& term : config.model.objective) names.push_back(term.name);
  surgery::Surgeon surgeon(t.surgery, names, seed, std::max<std::int64_t>(1, data.train_items() / t.batch));
  if (from) {
    optimizer->restore(from->optimizer);
    surgeon.restore(from->surgery);
  }

  Tape tape(kernels);
  Context context(tape, model.parameters());
  Batch batch;
  Gradients gradients;
  std::vector<Tensor> grads(model.parameters().size());
  std::vector<TermValue> terms;
  std::vector<surgery::Surgeon::Loss> losses;
  std::optional<Monitor> monitor;  // made when first needed: it encodes nothing that is not asked for
  TrainResult result;
  result.step = from ? from->step : 0;
  std::int64_t saved = from ? from->step : -1;
  const auto diverged = [&](std::int64_t step, const std::string& what) {
    throw Error(Exit::numerical, "train.diverged", "training stopped at step " + std::to_string(step) + ": " + what,
                run.path(),
                saved < 0 ? "no checkpoint had been written; try a smaller train.lr or a longer train.warmup"
                          : "the checkpoint of step " + std::to_string(saved) +
                                " is good; try a smaller train.lr or a longer train.warmup");
  };
  const auto save = [&] {
    if (saved == result.step) return;
    if (const std::string bad = non_finite_parameter(model.parameters()); !bad.empty()) diverged(result.step, bad);
    save_checkpoint(run, checkpoint_of(model, *optimizer, surgeon, config, data, result.step), hooks.calls);
    saved = result.step;
    if (hooks.saved) hooks.saved();
  };

  while (result.step < t.steps) {
    const std::int64_t step = result.step;
    const double progress = static_cast<double>(step) / static_cast<double>(t.steps);
    data.train_batch(seed, step, t.batch, batch);
    context.begin(true, seed, step);
    const LossTerms objective = model.objective(context, batch, progress);
    terms.clear();
    for (const LossTerm& l : objective.terms) terms.push_back({l.name, l.value.value().item(), l.weight});
    StepReport report{step + 1,
                      t.steps,
                      objective.total ? objective.total.value().item() : 0,
                      schedule.at(step),
                      0,
                      config.model.bridge.gate(progress),
                      terms,
                      objective.routing,
                      objective.short_of_samples};
    if (!std::isfinite(report.loss)) diverged(report.step, non_finite_loss(tape, terms));

    std::optional<Conflicts> conflicts;
    if (objective.total && surgeon.operates() && report.gate > 0) {  // before, the shared code rests
      surgery_losses(objective, losses);
      try {
        conflicts = surgeon.operate(tape, losses, context.parameters(), step, grads);
      } catch (const Error& e) {
        if (e.code == "surgery.gradient") diverged(report.step, e.what());
        throw;
      }
      report.conflicts = &*conflicts;
    } else if (objective.total) {
      tape.gradients(objective.total, context.parameters(), gradients);
      std::copy(gradients.tensors().begin(), gradients.tensors().end(), grads.begin());
    }
    for (std::size_t i = 0; i < grads.size(); ++i)
      if (report.gate == 0 && model.parameters()[i].shared) grads[i] = {};
    report.gradient_norm = global_norm(kernels, grads);
    if (!std::isfinite(report.gradient_norm)) diverged(report.step, non_finite_gradient(model.parameters(), grads));
    optimizer->step(report.lr, grads, clip_factor(report.gradient_norm, t.clip));
    for (Tensor& g : grads) g = {};  // room for the next step's
    model.after_step();

    result.step = report.step;
    result.loss = report.loss;
    result.finished = result.step == t.steps;
    const bool look = t.monitor_every > 0 && (result.step % t.monitor_every == 0 || result.finished);
    if (look || result.step == 1 || result.step % t.log_every == 0 || result.finished) {
      nlohmann::ordered_json line = metrics_line(report, model.config(), model.parameters());
      if (look && !monitor) monitor.emplace(model, data);
      if (look) monitor->measure(line);
      metrics.append(json_text(line));
      if (hooks.logged) hooks.logged(result.step, line);
    }
    if (hooks.stepped) hooks.stepped(report);
    if (conflicts && surgeon.needs_next_values()) {  // last, as it clears the tape; the same batch and the same dropout
      context.begin(true, seed, step);
      Context still = context.detached();
      surgery_losses(model.objective(still, batch, progress), losses);
      surgeon.compare(losses);
    }
    const bool stop = hooks.stop && hooks.stop();
    if (stop || result.finished || result.step % t.checkpoint_every == 0) save();
    if (stop) break;
  }
  result.finished = result.step >= t.steps;
  return result;
}

}  // namespace triptych::app
