// The training loop on a small model: interrupted or not, with any number of threads, the bits are the same.
#include "app/train_loop.h"

#include <atomic>
#include <cmath>
#include <csignal>
#include <limits>
#include <thread>

#include "app/feature_source.h"
#include "app/train_progress.h"
#include "app/train_run.h"
#include "core/rng.h"
#include "data/npy.h"
#include "ops/add.h"
#include "ops/matmul.h"
#include "ops/mean.h"
#include "ops/scale.h"
#include "ops/square.h"
#include "ops/sub.h"
#include "tests/io_helpers.h"
#include "tests/test_cli_program.h"
#include "tests/thread_helpers.h"

namespace {

using namespace triptych;
using namespace triptych::app;
using io_test::check_refused;
using io_test::slurp;
using io_test::TempDir;

constexpr std::int64_t n = 40, wide = 96, narrow = 5, code = 64;

// A linear map of every modality to a shared code, trained to agree, and an autoencoder of the first.
class Toy : public Model {
 public:
  explicit Toy(ModelConfig config) : Model(std::move(config)) {
    Rng rng(3);
    const auto matrix = [&](std::int64_t rows, std::int64_t cols) {
      Tensor t({rows, cols}, DType::f32);
      for (std::int64_t i = 0; i < t.size(); ++i) t.set(i, 0.1 * rng.normal());
      return t;
    };
    first_ = parameters_.add("text.shared", matrix(wide, code), true);
    second_ = parameters_.add("image.shared", matrix(narrow, code), true);
    encode_ = parameters_.add("text.encode", matrix(wide, code));
    decode_ = parameters_.add("text.decode", matrix(code, wide));
    scale_ = parameters_.add("logit_scale", Tensor::scalar(1, DType::f32));
  }

  LossTerms objective(Context& c, const Batch& batch, double progress) const override {
    const auto flat = [&](std::size_t m) {
      const Tensor& x = batch.modalities[m].values;
      return c.tape().constant(x.reshaped({x.shape()[0], x.shape()[1] * x.shape()[2]}));
    };
    const Var x = flat(0), y = flat(1);
    const double gate = config_.bridge.gate(progress);
    const Var align = scale(mean(square(sub(matmul(x, c[first_]), matmul(y, c[second_])))), blow_up);
    const Var code_of_x = c.dropout(matmul(x, c[encode_]), config_.dropout);
    const Var reconstruct = mean(square(sub(matmul(code_of_x, c[decode_]), x)));
    const Var rest = mean(square(c[scale_]));
    LossTerms o;
    o.total = add(add(reconstruct, scale(align, gate)), rest);
    o.terms.push_back({"reconstruct", reconstruct, 1});
    o.terms.push_back({"align", align, gate});
    return o;
  }
  Factors factors(Context&, const Batch&, const Wanted&) const override { return {}; }
  bool generates(std::size_t) const override { return false; }
  Tensor generate(std::size_t, const FlowNoise&, const Tensor&, const Tensor&, const Tensor&,
                  const FlowSampling&) const override {
    return {};
  }
  void after_step() override { parameters_[scale_].value.set(0, std::max(0.5, parameters_[scale_].value.item())); }

  double blow_up = 1;

 private:
  ParameterId first_, second_, encode_, decode_, scale_;
};

// The data, the settings and a place for runs.
struct Bench {
  TempDir dir;
  RunConfig config = feature_defaults();

  Bench() {
    Rng rng(1);
    std::vector<float> a(n * wide), b(n * narrow);
    for (float& x : a) x = static_cast<float>(rng.normal());
    for (float& x : b) x = static_cast<float>(rng.normal());
    data::write_npy(dir / "text.npy", data::make_array({n, wide}, a));
    data::write_npy(dir / "image.npy", data::make_array({n, 1, narrow}, b));
    config.data.files = {{"text", dir / "text.npy", ""}, {"image", dir / "image.npy", ""}};
    config.model.dropout = 0.2;
    config.train.steps = 20;
    config.train.batch = 10;
    config.train.warmup = 3;
    config.train.log_every = 3;
    config.train.checkpoint_every = 6;
  }

  // Trains in runs that end after so many steps each (none: in one); the bytes of the last checkpoint and the metrics.
  std::pair<std::string, std::string> train_in(const std::string& name, std::vector<std::int64_t> stops,
                                               int with_threads, double blow_up = 1) const {
    set_threads(with_threads);
    if (stops.empty()) stops = {config.train.steps};
    for (const std::int64_t stop : stops) {
      Toy model(config.model);
      model.blow_up = blow_up;
      FeatureSource source(config.data);
      const RunFolder run(dir / name,
                          std::filesystem::exists(dir / name) ? RunFolder::Open::resume : RunFolder::Open::fresh);
      const auto found = newest_checkpoint(run.path());
      if (found) restore_parameters(found->checkpoint, model.parameters());
      MetricsLog metrics(run / "metrics.jsonl", found ? found->checkpoint.step : 0);
      std::int64_t at = 0;
      TrainHooks hooks;
      hooks.stepped = [&](const StepReport& r) { at = r.step; };
      hooks.stop = [&] { return at >= stop; };
      const TrainResult result =
          train(model, source, config, run, metrics, found ? &found->checkpoint : nullptr, hooks);
      CHECK(result.step == stop);
      CHECK(result.finished == (stop == config.train.steps));
    }
    return {slurp(dir / name + "/" + checkpoint_name(stops.back())), slurp(dir / name + "/metrics.jsonl")};
  }
};

}  // namespace

TEST_CASE("train: the same bits however often it is interrupted") {
  const test::KeepThreads keep;
  const Bench s;
  const auto [checkpoint, metrics] = s.train_in("one", {}, 1);
  CHECK_FALSE(checkpoint.empty());
  const auto same = [&](const std::string& name, std::vector<std::int64_t> stops, int with_threads) {
    const auto [c, m] = s.train_in(name, std::move(stops), with_threads);
    CHECK(c == checkpoint);
    CHECK(m == metrics);
  };
  same("stopped", {1, 7, 8, 20}, 1);
  Rng rng(5);
  for (int i = 0; i < 4; ++i) same("random" + std::to_string(i), {1 + rng.below(19), 20}, 1 + i % 2);

  // Lines 1, 3, 6, ..., 18, 20: the first, every third, the last.
  CHECK(std::count(metrics.begin(), metrics.end(), '\n') == 8);
  CHECK(metrics.starts_with("{\"step\":1,\"loss\":"));
  for (const char* key : {"\"terms\":{\"reconstruct\":", "\"align\":", "\"lr\":", "\"gradient_norm\":", "\"gate\":0.0",
                          "\"logit_scale\":"})
    CHECK(metrics.find(key) != std::string::npos);
}

TEST_CASE("train: a real model, the same bits for 1, 2 and 4 threads") {
  constexpr std::int64_t rows = 160, features = 256, items = 128;
  const test::KeepThreads keep;
  const TempDir dir;
  RunConfig config = feature_defaults();
  for (const char* name : {"text", "image"}) {
    Rng rng(name[0]);
    std::vector<float> x(rows * features);
    for (float& v : x) v = static_cast<float>(rng.normal());
    const std::string path = dir / (name + std::string(".npy"));
    data::write_npy(path, data::make_array({rows, features}, x));
    config.data.files.push_back({name, path, ""});
  }
  config.train.steps = 4;
  config.train.batch = items;
  std::vector<std::string> checkpoint;
  for (const int n : {1, 2, 4}) {
    set_threads(n);
    CHECK(test::threads_at(4, items * features) == static_cast<std::size_t>(n));
    FeatureSource source(config.data);
    ModelConfig model_config = config.model;
    model_config.modalities = source.modalities();
    const auto model = make_model(model_config, DType::f32, 1);
    const RunFolder run(dir / std::to_string(n), RunFolder::Open::fresh);
    MetricsLog metrics(run / "metrics.jsonl", 0);
    CHECK(train(*model, source, config, run, metrics, nullptr, {}).finished);
    checkpoint.push_back(slurp(run / checkpoint_name(4)));
  }
  CHECK(checkpoint[0].size() > 100000);
  CHECK(checkpoint[1] == checkpoint[0]);
  CHECK(checkpoint[2] == checkpoint[0]);
}

TEST_CASE("train: a crash between checkpoints loses steps, not bits") {
  const Bench s;
  const auto [checkpoint, metrics] = s.train_in("whole", {}, 1);
  // As if killed while step 20 was saved: the newest checkpoint is that of 18, the metrics end in half a line.
  std::filesystem::copy(s.dir / "whole", s.dir / "killed", std::filesystem::copy_options::recursive);
  std::filesystem::remove(s.dir / "killed/" + checkpoint_name(20));
  std::ofstream(s.dir / "killed/metrics.jsonl", std::ios::app) << "{\"step\":2";
  const auto [c, m] = s.train_in("killed", {}, 1);
  CHECK(c == checkpoint);
  CHECK(m == metrics);
}

TEST_CASE("train: shared parameters rest while the bridge is shut") {
  Bench s;
  s.config.model.bridge = {0.5, 0.8};
  s.train_in("run", {10}, 1);  // the gate opens at progress 0.5 = step 10
  const Checkpoint half = read_checkpoint(s.dir / "run/" + checkpoint_name(10));
  const Toy fresh(s.config.model);
  for (const Parameter& p : fresh.parameters())
    for (const auto& [name, value] : half.parameters)
      if (name == p.name) CHECK(same_bits(value, p.value) == p.shared);
  for (const auto& [name, t] : half.optimizer)
    if (name.ends_with(".steps")) CHECK(t.item() == (name.find("shared") != std::string::npos ? 0 : 10));
}

TEST_CASE("train: a loss that is not finite stops with exit 5, names the term, and keeps the last checkpoint") {
  const Bench s;
  s.train_in("run", {6}, 1);
  const std::string good = slurp(s.dir / "run/" + checkpoint_name(6));
  const Error e = check_refused([&] { s.train_in("run", {}, 1, 1e39); }, "train.diverged",
                                {"step 7", "'align' is inf", "op 'scale'"}, Exit::numerical);
  CHECK(e.hint.find("step 6") != std::string::npos);
  CHECK(slurp(s.dir / "run/" + checkpoint_name(6)) == good);
  CHECK(newest_checkpoint(s.dir / "run")->checkpoint.step == 6);
}

TEST_CASE("train: a learning rate of a million ends in exit 5 within 100 steps") {
  Bench s;
  s.config.train.steps = 100;
  s.config.train.lr = 1e6;
  s.config.train.checkpoint_every = 1000;
  const Error e = check_refused([&] { s.train_in("run", {}, 1); }, "train.diverged", {"step"}, Exit::numerical);
  CHECK(e.hint.find("train.lr") != std::string::npos);
}

TEST_CASE("train: a full disk ends in exit 4 with the earlier checkpoint usable") {
  const Bench s;
  s.train_in("run", {6}, 1);
  Toy model(s.config.model);
  FeatureSource source(s.config.data);
  const RunFolder run(s.dir / "run", RunFolder::Open::resume);
  const auto found = newest_checkpoint(run.path());
  restore_parameters(found->checkpoint, model.parameters());
  MetricsLog metrics(run / "metrics.jsonl", 6);
  TrainHooks hooks;
  static int calls;
  calls = 0;
  hooks.calls.fsync = [](int) { return ++calls == 1 ? 0 : (errno = ENOSPC, -1); };  // the metrics first
  check_refused([&] { train(model, source, s.config, run, metrics, &found->checkpoint, hooks); }, "output.sync",
                {"step-00000012"}, Exit::output);
  CHECK(newest_checkpoint(run.path())->checkpoint.step == 6);
}

TEST_CASE("train: once the last step is done Ctrl-C is no longer ours, so it can end the report") {
  const Bench s;
  static std::atomic<int> caught;
  caught = 0;
  const auto before = std::signal(SIGINT, [](int) { ++caught; });
  TrainRequest request;
  request.config.files = s.config.data.files;
  request.config.values = {{"train.steps", "2"}, {"train.threads", "1"}};
  request.out = s.dir / "run";
  std::atomic<bool> done = false;
  const test::KeepThreads keep;
  std::thread interrupter([&] {  // seconds.txt comes between the last step and the report
    while (!done && !std::filesystem::exists(request.out + "/seconds.txt")) std::this_thread::yield();
    std::raise(SIGINT);
  });
  const TrainOutcome outcome = run_training(request);
  done = true;
  interrupter.join();
  std::signal(SIGINT, before);
  CHECK(outcome.status == 0);
  CHECK(caught == 1);
}

TEST_CASE("train: Ctrl-C at any moment of the real program stops it whole, with a checkpoint") {
  const io_test::TempDir dir;
  for (int i = 0; i < 8; ++i) {  // a handler on the stack of a kernel killed about every third
    const std::string run = dir / std::to_string(i);
    const auto ended = cli_test::run_program(
        {"train", "--data", "emoji", "--batch", "64", "--steps", "100000", "--set", "data.buckets=64", "--out", run},
        {.variables = {{"OMP_WAIT_POLICY", "passive"}}, .interrupt_after = 1500 + 130 * i});
    CAPTURE(ended.err);
    CHECK(ended.status == 130);
  }
}

TEST_CASE("progress: fits any width, and never counts time backwards") {
  CHECK(progress_text(630, 1500, 630, 90, 3.25, 80) ==
        " 42%  [##########--------------]  630/1500  7.00 steps/s  2:04 left  loss 3.2500");
  for (int width = 0; width < 120; ++width)
    for (const std::int64_t step : {0, 1, 999, 1000}) {
      const std::string text = progress_text(step, 1000, step, 1e-9, 1e30, width);
      CHECK(static_cast<int>(text.size()) <= width);
      CHECK(text.find_first_of("\n\r\x1b") == std::string::npos);
    }
  CHECK(progress_text(5, 10, 0, 0, std::numeric_limits<double>::quiet_NaN(), 80).find("left") == std::string::npos);
  CHECK(progress_text(1, 1000000000, 1, 1e6, 1, 80).find("left") != std::string::npos);
}
