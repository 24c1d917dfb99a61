// `triptych generate` as a user runs it.
#include <doctest/doctest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/rng.h"
#include "data/npy.h"
#include "data/safetensors.h"
#include "tests/test_cli_program.h"

using namespace triptych;
using cli_test::run_program;
using io_test::slurp;
using io_test::TempDir;

namespace {

void write_features(const std::string& path, std::int64_t rows, std::int64_t width, std::uint64_t stream) {
  std::vector<float> x(static_cast<std::size_t>(rows * width));
  Rng rng(3, stream);
  for (float& v : x) v = static_cast<float>(rng.normal());
  data::write_npy(path, data::make_array({rows, width}, x));
}

// A run of three steps on two modalities of features.
std::vector<std::string> train_features(const TempDir& dir, const std::string& out, const std::string& preset) {
  return {"train",    "--text",       dir / "text.npy", "--image", dir / "image.npy",
          "--preset", preset,         "--out",          dir / out, "--steps",
          "3",        "--set",        "train.warmup=1", "--set",   "generator.width=8",
          "--set",    "model.width=8"};
}

}  // namespace

TEST_CASE("generate: features become a .safetensors, the same for 1 and 2 threads") {
  const TempDir dir;
  write_features(dir / "text.npy", 30, 5, 1);
  write_features(dir / "image.npy", 30, 7, 2);
  REQUIRE(run_program(train_features(dir, "run", "generative")).status == 0);
  for (const char* threads : {"1", "2"}) {
    const auto ended =
        run_program({"generate", dir / "run", "--modality", "image", "--mode", "swap", "--steps", "3", "--out",
                     dir / (std::string(threads) + ".safetensors"), "--threads", threads, "--json"});
    REQUIRE_MESSAGE(ended.status == 0, ended.err);
    CHECK(ended.out.find("\"modality\":\"image\"") != std::string::npos);
    CHECK(ended.out.find("\"items\":6") != std::string::npos);
  }
  CHECK(slurp(dir / "1.safetensors") == slurp(dir / "2.safetensors"));
  const data::Safetensors file = data::read_safetensors(dir / "1.safetensors");
  for (const auto& [name, array] : file.tensors)
    if (name == "image" || name == "image.real") CHECK(array.shape == data::Shape{6, 1, 7});
  CHECK(file.tensors.size() == 4);
}

TEST_CASE("generate: R^2 of reconstructed features is about each feature's own mean, and no guidance stretches them") {
  const TempDir dir;
  std::vector<float> x(30 * 5);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(20 * (i % 5)) + static_cast<float>(i % 7);
  data::write_npy(dir / "text.npy", data::make_array({30, 5}, x));
  write_features(dir / "image.npy", 30, 7, 2);
  REQUIRE(run_program(train_features(dir, "run", "generative")).status == 0);
  const auto ended = run_program(
      {"generate", dir / "run", "--mode", "reconstruct", "--steps", "3", "--out", dir / "t.safetensors", "--json"});
  REQUIRE_MESSAGE(ended.status == 0, ended.err);
  const auto said = nlohmann::json::parse(ended.out);
  CHECK(said["guidance"] == 1);
  std::vector<double> made, real;
  for (const auto& [name, array] : data::read_safetensors(dir / "t.safetensors").tensors)
    if (name.starts_with("text")) {
      const auto* values = reinterpret_cast<const float*>(array.bytes.data());
      (name == "text" ? made : real).assign(values, values + 6 * 5);
    }
  REQUIRE(made.size() == 30);
  REQUIRE(real.size() == 30);
  double error = 0, spread = 0;
  for (std::size_t j = 0; j < 5; ++j) {
    double mean = 0;
    for (std::size_t i = j; i < 30; i += 5) mean += real[i] / 6;
    for (std::size_t i = j; i < 30; i += 5)
      error += (made[i] - real[i]) * (made[i] - real[i]), spread += (real[i] - mean) * (real[i] - mean);
  }
  CHECK(said["r2"].get<double>() == doctest::Approx(1 - error / spread).epsilon(1e-6));
}

TEST_CASE("generate: pictures become a PNG") {
  const TempDir dir;
  REQUIRE(run_program({"train", "--data", "emoji", "--preset", "generative", "--out", dir / "run", "--steps", "2",
                       "--batch", "8", "--set", "data.buckets=64", "--set", "generator.width=16", "--set",
                       "generator.layers=1"})
              .status == 0);
  const auto ended = run_program({"generate", dir / "run", "--mode", "cross", "--steps", "1", "--solver", "euler",
                                  "--items", "3", "--out", dir / "grid.png"});
  REQUIRE_MESSAGE(ended.status == 0, ended.err);
  CHECK(ended.out.find("style told from 735 generated pictures") != std::string::npos);
  const std::string file = slurp(dir / "grid.png");
  REQUIRE(file.size() > 33);
  CHECK(file.substr(0, 8) == "\x89PNG\r\n\x1a\n");
  // Width 500 = 64 + 16 + 3 (2 * 64 + 4) + 2 * 16 + 2 * 4 less nothing; height 208 = 3 * 68 + 4.
  const auto big_endian = [&](std::size_t at) {
    int value = 0;
    for (std::size_t i = at; i < at + 4; ++i) value = value * 256 + static_cast<unsigned char>(file[i]);
    return value;
  };
  CHECK(big_endian(16) == 64 + 16 + 3 * 132 + 2 * 16 + 2 * 4);
  CHECK(big_endian(20) == 3 * 68 + 4);
}

TEST_CASE("generate: what cannot be is refused, and nothing is written") {
  const TempDir dir;
  write_features(dir / "text.npy", 30, 5, 1);
  write_features(dir / "image.npy", 30, 7, 2);
  REQUIRE(run_program(train_features(dir, "drawn", "generative")).status == 0);
  REQUIRE(run_program(train_features(dir, "plain", "clip")).status == 0);
  const std::string out = dir / "out.safetensors";
  cli_test::check_refusals({
      {{"generate", dir / "plain", "--out", out}, 2, "nothing was trained to generate any modality"},
      {{"generate", dir / "drawn", "--out", dir / "out.png"}, 2, "must end in .safetensors: features are generated"},
      {{"generate", dir / "drawn", "--out", out, "--modality", "imgae"}, 2, "did you mean 'image'"},
      {{"generate", dir / "drawn", "--out", out, "--steps", "0"}, 2, "--steps"},
      {{"generate", dir / "none", "--out", out}, 3, "none"},
  });
  CHECK(!std::filesystem::exists(out));
}
