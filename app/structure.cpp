#include "app/structure.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "app/data_options.h"
#include "app/options.h"
#include "app/run_open.h"
#include "core/error.h"
#include "core/rng.h"
#include "models/audit/model_audit.h"

namespace triptych::app {
namespace {

constexpr std::int64_t rows = 16;
constexpr std::uint64_t seed = 1;
constexpr double weight_deviation = 0.3;

// Normal values; the first token of a row is always there, others may be missing, and `lacking` has none.
ModalityBatch drawn(const ModalitySpec& spec, DType dtype, std::uint64_t stream, std::int64_t lacking) {
  ModalityBatch b{Tensor({rows, spec.tokens, spec.width}, dtype), {}, Tensor({rows, spec.tokens}, dtype)};
  Rng rng(seed, stream);
  for (std::int64_t i = 0; i < b.values.size(); ++i) b.values.set(i, rng.normal());
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t t = 0; t < spec.tokens; ++t)
      b.mask.set(r * spec.tokens + t, r != lacking && (t == 0 || (r + t) % 4 != 0) ? 1 : 0);
  return b;
}

Structure small(const StructureOptions& o, DType dtype) {
  ConfigSources sources;
  sources.files = {{"text", "text.npy", ""}, {"image", "image.npy", ""}};  // never opened: the data is drawn here
  sources.values = {{"model.scheme", o.scheme},
                    {"model.width", "16"},
                    {"model.private_width", "6"},
                    {"model.shared_width", "6"},
                    {"query_banks.heads", "2"}};
  for (const std::string& v : o.set) sources.values.push_back(divide(v, "--set", "KEY=VALUE"));
  RunConfig config = read_config(sources);
  config.model.modalities = {{.name = "text", .tokens = 4, .width = 6}, {.name = "image", .tokens = 5, .width = 8}};
  Structure s;
  s.title = stack_text(config.model.scheme) + ", a small model with random weights";
  s.model = make_model(config.model, dtype, seed);
  std::uint64_t stream = 1000;
  for (Parameter& p : s.model->parameters()) {
    Rng rng(seed, stream++);
    for (std::int64_t i = 0; i < p.value.size(); ++i) p.value.set(i, p.value.at(i) + weight_deviation * rng.normal());
  }
  s.batch.modalities = {drawn(config.model.modalities[0], dtype, 1, -1),
                        drawn(config.model.modalities[1], dtype, 2, rows - 2)};
  return s;
}

Structure trained(const StructureOptions& o, DType dtype, std::int64_t items) {
  OpenRun run = open_run(o.run);
  Structure s;
  s.title = o.run;
  s.notices = std::move(run.notices);
  const TrainConfig& t = run.config.train;
  const std::int64_t most = run.data->train_items();
  run.data->train_batch(static_cast<std::uint64_t>(t.seed), 0, std::min(items > 0 ? items : t.batch, most), s.batch);
  if (dtype == DType::f32) {
    s.model = std::move(run.model);
    return s;
  }
  s.model = make_model(run.config.model, dtype, static_cast<std::uint64_t>(t.seed));
  for (std::size_t i = 0; i < s.model->parameters().size(); ++i)
    s.model->parameters()[i].value = run.model->parameters()[i].value.to(dtype);
  s.batch = in_double(s.batch);
  return s;
}

}  // namespace

void add_structure(CLI::App& options, StructureOptions& to) {
  add_text(options, "RUN", to.run, "", "the folder of a run");
  add_text(options, "--scheme", to.scheme, "NAME", "instead of RUN: a small model of this scheme; A+B for a stack");
  add_list(options, "--set", to.set, "KEY=VALUE", "one setting of that model, such as typed_slots.soft=true");
}

Structure open_structure(const StructureOptions& o, DType dtype, std::int64_t items) {
  const auto refuse = [](const std::string& problem) {
    throw Error(Exit::usage, "structure.which", problem, {}, "give a RUN, or --scheme NAME with any --set KEY=VALUE");
  };
  if (o.run.empty() && o.scheme.empty()) refuse("neither a RUN nor --scheme is given");
  if (!o.run.empty() && !o.scheme.empty()) refuse("a RUN and --scheme exclude each other");
  if (!o.run.empty() && !o.set.empty()) refuse("--set goes with --scheme: a run has its own settings");
  return o.run.empty() ? small(o, dtype) : trained(o, dtype, items);
}

}  // namespace triptych::app
