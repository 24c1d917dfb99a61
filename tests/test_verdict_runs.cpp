// Runs that were broken on purpose, judged like any other: the verdict names what was broken, and does not accuse the
// run that was not. docs/metrics.md has the figures of five seeds; here is one seed each, and five of the healthy run.
#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

#include "app/feature_source.h"
#include "app/run_folder.h"
#include "app/run_metrics.h"
#include "app/train_loop.h"
#include "app/verdict.h"
#include "core/rng.h"
#include "data/npy.h"
#include "models/objective/presets.h"
#include "tests/io_helpers.h"

namespace {

using namespace triptych;
using namespace triptych::app;

// Two linear views of shared and private Gaussian factors, four of each, 12 numbers a view.
class Mini {
 public:
  RunConfig config = feature_defaults();

  explicit Mini(std::uint64_t seed, bool shuffled = false) {
    constexpr std::int64_t rows = 400, half = 4, width = 12;
    Rng rng(seed, 77);
    std::vector<double> shared(rows * half);
    for (double& x : shared) x = rng.normal();
    for (const char* name : {"text", "image"}) {
      std::vector<double> map(2 * half * width);
      for (double& x : map) x = rng.normal() / std::sqrt(2.0 * half);
      std::vector<std::size_t> order(rows);
      std::iota(order.begin(), order.end(), std::size_t{0});
      if (shuffled) shuffle(order, rng);
      std::vector<float> x(rows * width);
      for (std::size_t i = 0; i < rows; ++i) {
        double z[2 * half];
        for (std::size_t k = 0; k < half; ++k) z[k] = shared[order[i] * half + k], z[half + k] = rng.normal();
        for (std::size_t j = 0; j < width; ++j) {
          double sum = 0.05 * rng.normal();
          for (std::size_t k = 0; k < 2 * half; ++k) sum += z[k] * map[k * width + j];
          x[i * width + j] = static_cast<float>(sum);
        }
      }
      const std::string path = dir_ / (std::string(name) + ".npy");
      data::write_npy(path, data::make_array({rows, width}, std::span<const float>(x)));
      config.data.files.push_back({name, path, ""});
    }
    config.model.width = 32;
    config.model.private_width = config.model.shared_width = 8;
    config.model.bridge = {0, 0};
    config.train.steps = 300;
    config.train.batch = 64;
    config.train.warmup = 10;
    config.train.lr = 3e-3;
    config.train.seed = static_cast<std::int64_t>(seed);
    config.train.monitor_every = 0;
    config.train.log_every = 10;
    config.train.checkpoint_every = 100000;
    weigh("decorrelate", 10);
  }

  void scheme(const char* name) {
    config.model.scheme = {name};
    config.model.private_width = config.model.shared_width = 0;
    config.model.objective = preset(name, config.model.typed_slots.soft);
  }
  void weigh(std::string_view term, double weight) {
    for (TermConfig& t : config.model.objective)
      if (t.name == term) t.weight = t.weight_end = weight;
  }

  std::vector<Verdict> verdicts() {
    FeatureSource data(config.data);
    config.model.modalities = data.modalities();
    const auto model = make_model(config.model, DType::f32, static_cast<std::uint64_t>(config.train.seed));
    const RunFolder run(dir_ / "run", RunFolder::Open::fresh);
    MetricsLog metrics(run / "metrics.jsonl", 0);
    train(*model, data, config, run, metrics, nullptr);
    const Evaluation e = evaluate(all_codes(*model, data));
    return judge(config, &e, read_history(run / "metrics.jsonl"));
  }

 private:
  io_test::TempDir dir_;
};

std::string text_of(const std::vector<Verdict>& all) { return "\n" + verdicts_text(all); }

void check_accused(const std::vector<Verdict>& all, std::string_view title) {
  const std::string text = text_of(all);
  CAPTURE(text);
  CHECK(std::ranges::any_of(all, [&](const Verdict& v) {
    return v.severity < Verdict::Severity::note && v.title.find(title) != std::string::npos;
  }));
}

}  // namespace

TEST_CASE("verdict, trained: a healthy run is not accused") {
  for (const std::uint64_t seed : {0, 1, 2, 3, 4}) {
    const auto all = Mini(seed).verdicts();
    const std::string text = text_of(all);
    CAPTURE(text);
    CHECK(std::ranges::none_of(all, [](const Verdict& v) { return v.severity < Verdict::Severity::note; }));
  }
}

TEST_CASE("verdict, trained: what was broken is named") {
  SUBCASE("decorrelation off") {
    Mini run(0);
    run.weigh("decorrelate", 0);
    check_accused(run.verdicts(), "Decorrelation is off");
  }
  SUBCASE("nothing aligns") {
    Mini run(0);
    run.weigh("align", 0);
    check_accused(run.verdicts(), "nothing aligns them");
  }
  SUBCASE("shared code collapsed: a constant is what agrees best under dropout, and nothing opposes it") {
    Mini run(0);
    for (TermConfig& t : run.config.model.objective)
      if (t.name == "align") t.loss = "mse", t.weight = t.weight_end = 50;
    run.weigh("variance", 0);
    run.weigh("decorrelate", 0);
    run.config.model.dropout = 0.3;
    check_accused(run.verdicts(), "The shared code has collapsed");
  }
  SUBCASE("permuted pairs") { check_accused(Mini(0, true).verdicts(), "Held-out pairs are not found"); }
  SUBCASE("hard mask removed") {
    Mini run(0);
    run.config.model.typed_slots.soft = true;
    run.config.model.typed_slots.private_slots = run.config.model.typed_slots.shared_slots = 2;
    run.scheme("typed-slots");
    run.weigh("leakage", 0);
    run.config.train.steps = 60;
    check_accused(run.verdicts(), "see other modalities: the mask is not hard");
  }
  SUBCASE("dead expert") {
    Mini run(0);
    run.config.model.moe.experts.experts = run.config.model.moe.experts.shared_experts = 4;
    run.scheme("modality-moe");
    run.weigh("balance", 0);
    check_accused(run.verdicts(), "dead");
  }
}
