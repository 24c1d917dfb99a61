// eval, encode and report as a user runs them: on a small run of the user's own features, and on one of the emoji.
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/rng.h"
#include "data/npy.h"
#include "tests/test_cli_program.h"

namespace {

using namespace triptych;
using cli_test::Ended;
using cli_test::run_program;

std::string features(const io_test::TempDir& dir, const std::string& name, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<float> values(30 * 6);
  for (float& v : values) v = static_cast<float>(rng.normal());
  data::write_npy(dir / name, data::make_array({30, 6}, std::span<const float>(values)));
  return dir / name;
}

}  // namespace

TEST_CASE("eval, encode, report: from a run to its figures") {
  const io_test::TempDir dir;
  const std::string run = dir / "run", text = features(dir, "t.npy", 1), image = features(dir, "i.npy", 2);
  const Ended trained = run_program(
      {"train", "--text", text, "--image", image, "--out", run, "--steps", "2", "--json", "--threads", "1"});
  CAPTURE(trained.err);
  REQUIRE(trained.status == 0);
  CHECK(nlohmann::json::parse(trained.out)["report"] == run + "/report.html");
  const std::string page = io_test::slurp(run + "/report.html");
  CHECK(page.find("2 steps") != std::string::npos);
  CHECK(page.find("What each code knows") == std::string::npos);  // no labels, no probes

  const Ended judged = run_program({"eval", run, "--json"});
  REQUIRE(judged.status == 0);
  const auto figures = nlohmann::json::parse(judged.out);
  CHECK(figures["split"] == "held_out");
  CHECK(figures["test_items"] == 6);
  CHECK(figures["leakage"]["private.text"].contains("shared.image"));

  const std::string codes = dir / "z.safetensors";
  const Ended encoded = run_program({"encode", run, "--out", codes, "--json"});
  REQUIRE(encoded.status == 0);
  CHECK(nlohmann::json::parse(encoded.out)["tensors"].size() == 7);

  const std::string before = io_test::slurp(text);
  cli_test::check_refusals({
      {{"encode", run, "--out", text}, 2, "is a file of the run or of its data"},
      {{"encode", run, "--out", run + "/config.toml"}, 2, "is a file of the run or of its data"},
      {{"encode", run, "--out", run + "/checkpoints/step-00000002.safetensors"}, 2, "is a file of the run"},
      {{"encode", run, "--out", dir / "z.npz"}, 2, "must end in .safetensors"},
      {{"eval", dir / "none"}, 3, "no such folder"},
      {{"eval", dir / "."}, 3, "holds no config.toml"},
      {{"report", dir / "none"}, 3, "no such folder"},
      {{"eval", run, "--split", "hard"}, 2, "split"},
  });
  CHECK(io_test::slurp(text) == before);
  CHECK(run_program({"report", run}).status == 0);

  // Compared with itself; and reports of what is left of a run.
  const std::string both = dir / "both.html";
  CHECK(run_program({"report", run, run, "--out", both}).status == 0);
  CHECK(io_test::slurp(both).find("2 runs compared") != std::string::npos);
  cli_test::check_refusals({{{"report", run, run}, 2, "a comparison of 2 runs needs --out"}});
  std::filesystem::remove_all(run + "/checkpoints");
  std::ofstream(run + "/metrics.jsonl", std::ios::app) << "{\"step\":3,\"lo";
  const Ended partly = run_program({"report", run});
  CHECK(partly.status == 0);
  CHECK(partly.err.find("holds no checkpoint yet") != std::string::npos);
  const std::string rest = io_test::slurp(run + "/report.html");
  CHECK(rest.find("No figures of the model") != std::string::npos);
  CHECK(rest.find("1 line of metrics.jsonl is no object") != std::string::npos);
  CHECK(rest.find("<polyline") != std::string::npos);
}

TEST_CASE("train: the report is there while it trains, and events for TensorBoard beside the metrics") {
  const io_test::TempDir dir;
  const std::string run = dir / "run", text = features(dir, "t.npy", 1), image = features(dir, "i.npy", 2);
  const Ended e = run_program({"train", "--text", text, "--image", image, "--out", run, "--steps", "100", "--threads",
                               "1", "--set", "train.lr=1000000", "--set", "train.log_every=1"});
  CHECK(e.status == 5);  // diverged: what it had come to is still to be seen
  const std::string page = io_test::slurp(run + "/report.html");
  CHECK(page.find("No figures of the model: ") != std::string::npos);
  CHECK(page.find("training stopped at step") != std::string::npos);
  CHECK(page.find("http-equiv=\"refresh\"") == std::string::npos);
  CHECK(io_test::slurp(run + "/events.out.tfevents.triptych").find("gradient_norm") != std::string::npos);
}

TEST_CASE("eval: concepts that were trained on are not held out") {
  const io_test::TempDir dir;
  const std::string run = dir / "run";
  const Ended trained =
      run_program({"train", "--data", "emoji", "--out", run, "--steps", "1", "--batch", "4", "--set", "model.width=16",
                   "--set", "model.private_width=4", "--set", "model.shared_width=4", "--set", "data.buckets=1024"});
  CAPTURE(trained.err);
  REQUIRE(trained.status == 0);
  CHECK(run_program({"eval", run, "--split", "split"}).status == 0);
  cli_test::check_refusals(
      {{{"eval", run, "--split", "split_hard"}, 3, "training items of the run"},
       {{"eval", run, "--data", "emoji", "--split", "split_hard"}, 3, "training items of the run"}});
}
