// The run folder: its lock, its metrics and its checkpoints, whole or damaged.
#include "app/run_checkpoint.h"

#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstring>

#include "app/run_metrics.h"
#include "data/bytes.h"
#include "data/safetensors.h"
#include "tests/io_helpers.h"

namespace {

using namespace triptych;
using namespace triptych::app;
using io_test::check_refused;
using io_test::slurp;
using io_test::TempDir;
namespace fs = std::filesystem;

Checkpoint sample(std::int64_t step) {
  Checkpoint c;
  c.step = step;
  c.config = "[train]\nsteps = 7  # \"quoted\"\n";
  c.data = "0123456789abcdef";
  c.parameters = {{"b", Tensor::from({2}, std::vector<float>{1.5f, static_cast<float>(step)}, DType::f32)},
                  {"a.weight", Tensor::from({2, 2}, std::vector<double>{1, -2, 0.1, 4}, DType::f64)},
                  {"scale", Tensor::scalar(2.5, DType::f32)}};
  const std::vector<std::int32_t> steps{static_cast<std::int32_t>(step)};
  c.optimizer = {{"b.m", Tensor::from({2}, std::vector<float>{0.25f, -1}, DType::f32)},
                 {"b.steps", Tensor::from({}, steps)}};
  return c;
}

void check_same(const Checkpoint& a, const Checkpoint& b) {
  CHECK(a.step == b.step);
  CHECK(a.config == b.config);
  CHECK(a.data == b.data);
  for (const auto list : {&Checkpoint::parameters, &Checkpoint::optimizer}) {
    REQUIRE((a.*list).size() == (b.*list).size());
    for (const auto& [name, t] : a.*list) {
      const auto at = std::find_if((b.*list).begin(), (b.*list).end(), [&](const auto& e) { return e.first == name; });
      REQUIRE(at != (b.*list).end());
      CHECK(same_bits(t, at->second));
    }
  }
}

ssize_t full_disk(int, const void*, std::size_t) { return errno = ENOSPC, -1; }

}  // namespace

TEST_CASE("checkpoint: what is saved reads back; the newest two stay") {
  const TempDir dir;
  const RunFolder run(dir / "run", RunFolder::Open::fresh);
  CHECK_FALSE(newest_checkpoint(run.path()));
  for (const std::int64_t step : {2, 10, 99999999, 100000000}) {
    save_checkpoint(run, sample(step));
    const auto found = newest_checkpoint(run.path());
    REQUIRE(found);
    CHECK(found->skipped.empty());
    check_same(found->checkpoint, sample(step));
  }
  CHECK(fs::exists(run / checkpoint_name(99999999)));
  CHECK_FALSE(fs::exists(run / checkpoint_name(10)));
  const std::string bytes = slurp(run / checkpoint_name(100000000));
  save_checkpoint(run, sample(100000000));
  CHECK(slurp(run / checkpoint_name(100000000)) == bytes);
}

TEST_CASE("checkpoint: a damaged one takes no place among the newest two") {
  const TempDir dir;
  const RunFolder run(dir / "run", RunFolder::Open::fresh);
  save_checkpoint(run, sample(1));
  save_checkpoint(run, sample(9));
  std::ofstream(run / checkpoint_name(9), std::ios::binary) << "damaged";
  for (const std::int64_t step : {2, 3}) save_checkpoint(run, sample(step));
  CHECK(newest_checkpoint(run.path())->checkpoint.step == 3);
  CHECK(fs::exists(run / checkpoint_name(2)));
  CHECK_FALSE(fs::exists(run / checkpoint_name(1)));
}

TEST_CASE("checkpoint: every flipped bit and every truncation is found, and the previous one is taken") {
  const TempDir dir;
  const RunFolder run(dir / "run", RunFolder::Open::fresh);
  save_checkpoint(run, sample(1));
  save_checkpoint(run, sample(2));
  const std::string path = run / checkpoint_name(2), whole = slurp(path);
  const auto damaged = [&](const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
    try {
      read_checkpoint(path);
      return false;
    } catch (const Error& e) {
      CHECK(e.exit == Exit::input);
      CHECK(std::string(e.what()).find("step-00000002") != std::string::npos);
      return true;
    }
  };
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string bytes = whole;
    bytes[i] = static_cast<char>(bytes[i] ^ (1 << (i % 8)));
    CAPTURE(i);
    CHECK(damaged(bytes));
  }
  for (std::size_t n = 0; n < whole.size(); n += 3) {
    CAPTURE(n);
    CHECK(damaged(whole.substr(0, n)));
  }
  const auto found = newest_checkpoint(run.path());
  REQUIRE(found);
  CHECK(found->checkpoint.step == 1);
  REQUIRE(found->skipped.size() == 1);
  CHECK(found->skipped[0].find("step-00000002") != std::string::npos);
  fs::copy_file(path, run / checkpoint_name(1), fs::copy_options::overwrite_existing);
  check_refused([&] { newest_checkpoint(run.path()); }, "checkpoint.none", {"step-00000001", "step-00000002"});
}

TEST_CASE("checkpoint: damage in a tensor names it; other safetensors files are refused") {
  const TempDir dir;
  const RunFolder run(dir / "run", RunFolder::Open::fresh);
  save_checkpoint(run, sample(1));
  std::string bytes = slurp(run / checkpoint_name(1));
  float value = 1.5f;
  const std::size_t at = bytes.rfind(std::string(reinterpret_cast<const char*>(&value), 4));
  REQUIRE(at != std::string::npos);
  bytes[at] ^= 1;
  const std::string path = dir.file("x.safetensors", bytes);
  check_refused([&] { read_checkpoint(path); }, "checkpoint.damaged", {"'model.b'"});
  data::write_safetensors(dir / "other.safetensors", {{}, {{"x", data::make_array({1}, std::vector<float>{1})}}});
  check_refused([&] { read_checkpoint(dir / "other.safetensors"); }, "checkpoint.format", {"no checkpoint"});
}

TEST_CASE("checkpoint: parameters of another model are refused and nothing changes") {
  Parameters p;
  p.add("b", Tensor::zeros({2}, DType::f32));
  p.add("a.weight", Tensor::zeros({2, 2}, DType::f64));
  check_refused([&] { restore_parameters(sample(1), p); }, "checkpoint.parameters", {"3 parameters", "2"});
  CHECK(p[std::size_t{0}].value.at(0) == 0);
  p.add("scale", Tensor::zeros({}, DType::f32));
  restore_parameters(sample(1), p);
  CHECK(p[std::size_t{0}].value.at(0) == 1.5);
  Checkpoint c = sample(1);
  c.parameters[0].second = Tensor::zeros({3}, DType::f32);
  check_refused([&] { restore_parameters(c, p); }, "checkpoint.parameters", {"'b'", "(3)", "(2)"});
  c.parameters[0].first = "other";
  check_refused([&] { restore_parameters(c, p); }, "checkpoint.parameters", {"'b'", "missing"});
}

TEST_CASE("checkpoint: a full disk is reported and leaves the earlier ones") {
  const TempDir dir;
  const RunFolder run(dir / "run", RunFolder::Open::fresh);
  save_checkpoint(run, sample(1));
  data::FileCalls calls;
  calls.write = full_disk;
  check_refused([&] { save_checkpoint(run, sample(2), calls); }, "output.write", {"step-00000002", "No space"},
                Exit::output);
  CHECK(newest_checkpoint(run.path())->checkpoint.step == 1);
  CHECK(std::distance(fs::directory_iterator(run / "checkpoints"), fs::directory_iterator()) == 1);
}

TEST_CASE("checkpoint: the metrics before it are on the disk first") {
  const TempDir dir;
  const RunFolder run(dir / "run", RunFolder::Open::fresh);
  std::ofstream(run / "metrics.jsonl") << "{\"step\":1}\n";
  data::FileCalls calls;
  calls.fsync = [](int) { return errno = EIO, -1; };
  check_refused([&] { save_checkpoint(run, sample(1), calls); }, "metrics.sync", {"metrics.jsonl"}, Exit::output);
  CHECK_FALSE(newest_checkpoint(run.path()));
}

TEST_CASE("run folder: refuses what is there, unless told to replace or resume it") {
  const TempDir dir;
  check_refused([&] { RunFolder(dir / "none", RunFolder::Open::resume); }, "run.missing", {"none"}, Exit::usage);
  CHECK_FALSE(fs::exists(dir / "none"));
  { const RunFolder run(dir / "a/b", RunFolder::Open::fresh); }
  CHECK(fs::is_directory(dir / "a/b/checkpoints"));
  check_refused([&] { RunFolder(dir / "a/b", RunFolder::Open::fresh); }, "run.exists", {"a/b"}, Exit::usage);
  std::ofstream(dir / "a/b/metrics.jsonl") << "{}";
  std::ofstream(dir / "a/b/mine.txt") << "notes";
  { const RunFolder run(dir / "a/b", RunFolder::Open::resume); }
  CHECK(fs::exists(dir / "a/b/metrics.jsonl"));
  { const RunFolder run(dir / "a/b", RunFolder::Open::replace); }
  CHECK_FALSE(fs::exists(dir / "a/b/metrics.jsonl"));
  CHECK(fs::exists(dir / "a/b/mine.txt"));
  CHECK_FALSE(fs::exists(dir / "a/b/lock"));
  const std::string file = dir.file("file", "x");
  check_refused([&] { RunFolder(file, RunFolder::Open::fresh); }, "run.folder", {"not a folder"}, Exit::output);
  check_refused([&] { RunFolder(file + "/x", RunFolder::Open::fresh); }, "run.folder", {}, Exit::output);
  check_refused([&] { RunFolder("/proc/triptych", RunFolder::Open::fresh); }, "run.folder", {"/proc"}, Exit::output);
}

TEST_CASE("run folder: only what a run of ours made is replaced, and a failure is told") {
  const TempDir dir;
  fs::create_directories(dir / "other/checkpoints");
  std::ofstream(dir / "other/checkpoints/weights.bin") << "a year of work";
  std::ofstream(dir / "other/config.toml") << "of another program";
  check_refused([&] { RunFolder(dir / "other", RunFolder::Open::replace); }, "run.foreign", {"other"}, Exit::usage);
  CHECK(slurp(dir / "other/config.toml") == "of another program");
  CHECK_FALSE(fs::exists(dir / "other/lock"));

  { const RunFolder run(dir / "run", RunFolder::Open::fresh); }
  const std::string mine = dir / "run/checkpoints/step-best.safetensors", ours = dir / "run/" + checkpoint_name(5);
  for (const std::string& path : {mine, ours}) std::ofstream(path) << "x";
  { const RunFolder run(dir / "run", RunFolder::Open::replace); }
  CHECK(fs::exists(mine));
  CHECK_FALSE(fs::exists(ours));
  fs::create_directories(dir / "run/report.html/kept");
  check_refused([&] { RunFolder(dir / "run", RunFolder::Open::replace); }, "run.folder",
                {"report.html", "cannot be removed"}, Exit::output);
  CHECK(fs::exists(dir / "run/report.html/kept"));
  { const RunFolder run(dir / "run", RunFolder::Open::resume); }  // the lock is free again
}

TEST_CASE("run folder: one writer at a time, named; a dead one does not count") {
  const TempDir dir;
  const std::string path = dir / "run";
  {
    const RunFolder run(path, RunFolder::Open::fresh);
    check_refused([&] { RunFolder(path, RunFolder::Open::resume); }, "run.locked",
                  {"process " + std::to_string(::getpid())}, Exit::output);
    check_refused([&] { RunFolder(path, RunFolder::Open::replace); }, "run.locked", {"process"}, Exit::output);
  }
  std::ofstream(path + "/lock") << "999999999\n";  // left by a process that was killed
  std::ofstream(path + "/checkpoints/.triptych-999999999-0.tmp") << "half a file";
  std::ofstream(path + "/checkpoints/.triptych-" + std::to_string(::getpid()) + "-7.tmp") << "alive";
  const RunFolder run(path, RunFolder::Open::resume);
  CHECK(slurp(path + "/lock") == std::to_string(::getpid()) + "\n");
  CHECK_FALSE(fs::exists(path + "/checkpoints/.triptych-999999999-0.tmp"));
  CHECK(fs::exists(path + "/checkpoints/.triptych-" + std::to_string(::getpid()) + "-7.tmp"));
}

TEST_CASE("metrics: appended; later steps and half a line go when it is opened again") {
  const TempDir dir;
  const std::string path = dir / "metrics.jsonl", three = "{\"step\":1}\n{\"step\":50}\n{\"step\":100}\n";
  {
    MetricsLog log(path, 0);
    for (const char* line : {"{\"step\":1}", "{\"step\":50}", "{\"step\":100}"}) log.append(line);
    CHECK(slurp(path) == three);
  }
  const std::string zeros(5, '\0');  // what a power loss leaves of blocks that never reached the disk
  for (const std::string& half : {std::string("{"), std::string("{\"step\":150,\"lo"), std::string("{\"step\":150}"),
                                  zeros, zeros + "\n", "{\"step\":1" + zeros + "\n", zeros + "\n" + zeros}) {
    std::ofstream(path) << three << half;
    { MetricsLog log(path, 100); }
    CHECK(slurp(path) == three);
  }
  {
    MetricsLog log(path, 99);
    log.append("{\"step\":100,\"again\":true}");
  }
  CHECK(slurp(path) == "{\"step\":1}\n{\"step\":50}\n{\"step\":100,\"again\":true}\n");
  std::ofstream(path) << three << "hello\n{\"step\":101}\n";
  check_refused([&] { MetricsLog(path, 5); }, "metrics.line", {"line 4"});
  std::ofstream(path) << "hello\n";
  check_refused([&] { MetricsLog(path, 5); }, "metrics.line", {"line 1"});
  check_refused([&] { MetricsLog(dir / "no/such", 5); }, "metrics.open", {"no/such"}, Exit::output);
}

TEST_CASE("metrics: when the disk is full the whole lines stay") {
  const TempDir dir;
  const std::string path = dir / "metrics.jsonl";
  rlimit old{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &old) == 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  {
    MetricsLog log(path, 0);
    log.append("{\"step\":1}");
    const rlimit limit{15, old.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
    try {
      log.append("{\"step\":2}");
      FAIL_CHECK("written in spite of the limit");
    } catch (const Error& e) {
      CHECK(e.exit == Exit::output);
      CHECK(e.code == "metrics.write");
    }
    ::setrlimit(RLIMIT_FSIZE, &old);
  }
  std::signal(SIGXFSZ, handler);
  CHECK(slurp(path) == "{\"step\":1}\n");
}
