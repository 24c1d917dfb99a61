// What must hold of training with every scheme: the same bits for any number of threads and after an interruption, and
// shared parameters that rest while the bridge is shut.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "app/feature_source.h"
#include "app/run_checkpoint.h"
#include "app/run_folder.h"
#include "app/run_metrics.h"
#include "app/train_loop.h"
#include "core/rng.h"
#include "data/npy.h"
#include "models/model.h"
#include "models/objective/presets.h"
#include "tests/io_helpers.h"
#include "tests/thread_helpers.h"

using namespace triptych;
using namespace triptych::app;
using io_test::slurp;
using io_test::TempDir;

namespace {

struct Stack {
  const char* name;
  std::vector<std::string> scheme;
  bool experts = false;  // in the place of the feed-forward networks of query banks
  const char* preset = "scheme";
};
const std::vector<Stack> stacks = {{"query-banks", {"query-banks"}},
                                   {"typed-slots", {"typed-slots"}},
                                   {"shared-private", {"shared-private"}},
                                   {"modality-moe", {"modality-moe"}},
                                   {"stack", {"query-banks", "shared-private"}},
                                   {"stack with experts", {"query-banks", "shared-private"}, true},
                                   {"misa", {"shared-private"}, false, "misa"},
                                   {"dcca", {"shared-private"}, false, "dcca"},
                                   {"vcca-private", {"shared-private"}, false, "vcca-private"},
                                   {"generative", {"modality-moe"}, false, "generative"}};

// Three modalities of tokens, the last one padded and absent from some rows.
struct Setup {
  TempDir dir;
  RunConfig config = feature_defaults();

  Setup(const Stack& kind, std::int64_t rows, std::int64_t width, std::int64_t steps) {
    const char* names[] = {"text", "image", "sound"};
    for (std::int64_t m = 0; m < 3; ++m) {
      const std::int64_t tokens = 2 + m, d = 6 + 2 * m;
      Rng rng(static_cast<std::uint64_t>(m));
      std::vector<float> x(static_cast<std::size_t>(rows * tokens * d));
      for (float& v : x) v = static_cast<float>(rng.normal());
      const std::string path = dir / (std::string(names[m]) + ".npy");
      data::write_npy(path, data::make_array({rows, tokens, d}, x));
      config.data.files.push_back({names[m], path, ""});
    }
    std::vector<std::int64_t> lengths(static_cast<std::size_t>(rows));
    for (std::size_t i = 0; i < lengths.size(); ++i) lengths[i] = static_cast<std::int64_t>(i % 5);
    data::write_npy(dir / "lengths.npy", data::make_array({rows}, lengths));
    config.data.files[2].mask = dir / "lengths.npy";
    config.model.scheme = kind.scheme;
    set_variant(kind.preset, config.model);
    config.model.objective = variant_objective(kind.preset, config.model, 3);
    config.model.width = width;
    config.model.decoder_hidden = std::min(config.model.decoder_hidden, width);
    config.model.private_width = config.model.shared_width = width / 2;
    config.model.query_banks.heads = 2;
    config.model.query_banks.pre_norm = kind.experts;
    if (kind.experts) config.model.ffn = "modality-moe";
    config.model.moe.experts.k = 2;
    config.model.moe.experts.capacity = 1.5;
    config.model.moe.experts.noise = 0.3;
    config.model.generator = {.width = 16, .layers = 1, .heads = 2, .samples = rows / 4};
    config.model.dropout = 0.1;
    config.train.steps = steps;
    config.train.warmup = 1;
    config.train.batch = rows / 2;
    config.train.checkpoint_every = steps;
    config.train.log_every = 1;
  }

  // Trains in runs that end after so many steps each; the last checkpoint and the metrics, as bytes.
  std::pair<std::string, std::string> train_in(const std::string& name, const std::vector<std::int64_t>& stops,
                                               int with_threads) const {
    set_threads(with_threads);
    for (const std::int64_t stop : stops) {
      FeatureSource source(config.data);
      ModelConfig of = config.model;
      of.modalities = source.modalities();
      const auto model = make_model(of, DType::f32, 1);
      const RunFolder run(dir / name,
                          std::filesystem::exists(dir / name) ? RunFolder::Open::resume : RunFolder::Open::fresh);
      const auto found = newest_checkpoint(run.path());
      if (found) restore_parameters(found->checkpoint, model->parameters());
      MetricsLog metrics(run / "metrics.jsonl", found ? found->checkpoint.step : 0);
      std::int64_t at = 0;
      TrainHooks hooks;
      hooks.stepped = [&](const StepReport& r) { at = r.step; };
      hooks.stop = [&] { return at == stop; };
      train(*model, source, config, run, metrics, found ? &found->checkpoint : nullptr, hooks);
    }
    return {slurp(dir / name + "/" + checkpoint_name(stops.back())), slurp(dir / name + "/metrics.jsonl")};
  }
};

}  // namespace

TEST_CASE("training every scheme: the same bits for 1, 2 and 4 threads, interrupted or not") {
  const test::KeepThreads keep;
  for (const Stack& kind : stacks) {
    CAPTURE(kind.name);
    const Setup s(kind, 240, 64, 5);  // large enough for the loops to be shared out
    const auto [checkpoint, metrics] = s.train_in("one", {5}, 1);
    const auto [two, two_metrics] = s.train_in("two", {5}, 2);
    const auto [four, four_metrics] = s.train_in("four", {2, 3, 5}, 4);
    CHECK(two == checkpoint);
    CHECK(four == checkpoint);
    CHECK(two_metrics == metrics);
    CHECK(four_metrics == metrics);
  }
}

TEST_CASE("training with surgery: the same bits for 1 and 2 threads, interrupted or not") {
  const test::KeepThreads keep;
  for (const std::string method : {"sum", "pcgrad", "gradnorm", "upgrad", "dwa", "famo", "uncertainty_weighting"}) {
    CAPTURE(method);
    Setup s(stacks[2], 60, 16, 5);
    s.config.model.bridge = {0, 0};
    s.config.train.surgery.method = method;
    const auto [checkpoint, metrics] = s.train_in("one", {5}, 1);
    const auto [two, two_metrics] = s.train_in("two", {1, 3, 5}, 2);
    CHECK(two == checkpoint);
    CHECK(two_metrics == metrics);
    const bool of_each = method != "dwa" && method != "famo" && method != "uncertainty_weighting";
    CHECK((metrics.find("\"cosines\":[[1.0,") != std::string::npos) == of_each);
    CHECK(metrics.find("\"surgery\":{\"losses\":[\"reconstruct\",") != std::string::npos);
  }
}

TEST_CASE("training every scheme: shared parameters are bitwise unchanged after 100 steps with a shut bridge") {
  const test::KeepThreads keep;
  for (const Stack& kind : stacks) {
    CAPTURE(kind.name);
    Setup s(kind, 12, 8, 100);
    s.config.model.bridge = {1, 1};  // shut until the end
    s.train_in("run", {100}, 1);
    const Checkpoint trained = read_checkpoint(s.dir / "run/" + checkpoint_name(100));
    ModelConfig of = s.config.model;
    of.modalities = FeatureSource(s.config.data).modalities();
    const auto fresh = make_model(of, DType::f32, 1);
    int shared = 0, moved = 0;
    for (const Parameter& p : fresh->parameters())
      for (const auto& [name, value] : trained.parameters) {
        if (name != p.name) continue;
        const bool same = same_bits(value, p.value);
        if (p.shared) CHECK_MESSAGE(same, name);
        shared += p.shared;
        moved += !p.shared && !same;
      }
    CHECK(shared > 0);
    CHECK(moved > 0);
  }
}
