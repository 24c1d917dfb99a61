// The program from outside: exit statuses, messages, and the shape of what it prints.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "data/npz.h"
#include "data/safetensors.h"
#include "ops/registry.h"
#include "tests/test_cli_program.h"

using namespace triptych;
using namespace triptych::cli_test;
using io_test::TempDir;
using nlohmann::json;

namespace {

std::vector<json> json_lines(const std::string& text) {
  std::vector<json> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(json::parse(line));
  return lines;
}

std::vector<std::string> keys(const json& object) {
  std::vector<std::string> names;
  for (const auto& [key, value] : object.items()) names.push_back(key);
  return names;
}

}  // namespace

TEST_CASE("cli: help and version go to standard output, the overview of a bare call to standard error") {
  CHECK(run_program({"--version"}).out.compare(0, 9, "triptych ") == 0);
  const Ended bare = run_program({});
  CHECK(bare.status == 2);
  CHECK(bare.out.empty());
  CHECK(bare.err.find("Commands:") != std::string::npos);
  for (const std::vector<std::string>& args : {std::vector<std::string>{"--help"}, {"-h"}, {"help"}})
    CHECK(run_program(args).out == bare.err);
  const Ended help = run_program({"help", "inspect"});
  CHECK(help.status == 0);
  CHECK(help.out.find("Examples:") < help.out.find("Usage:"));
  CHECK(help.out.find("Usage:") < help.out.find("Options:"));
  CHECK(run_program({"inspect", "-h"}).out == help.out);
  CHECK(run_program({"inspect", "--help"}).out == help.out);
}

TEST_CASE("cli: a bad command line is refused with status 2 and the nearest name") {
  check_refusals({
      {{"inspct", "x"}, 2, "did you mean 'inspect'?"},
      {{"--versoin"}, 2, "did you mean '--version'?"},
      {{"inspe", "x"}, 2, "unknown command 'inspe'"},
      {{""}, 2, "unknown command ''"},
      {{"help", "gradchek"}, 2, "did you mean 'gradcheck'?"},
      {{"inspect"}, 2, "FILE is required"},
      {{"inspect", ""}, 2, "must be something that is not empty"},
      {{"inspect", "a", "b"}, 2, "unexpected argument 'b'"},
      {{"inspect", "a", "--jsno"}, 2, "did you mean --json?"},
      {{"inspect", "a", "-j"}, 2, "no option -j"},
      {{"inspect", "a", "--\x1b[31m\xff"}, 2, "--\\x1b[31m\\xff"},
      {{"gradcheck", "--op", "layer_nrom"}, 2, "did you mean 'layer_norm'?"},
      {{"gradcheck", "--op", "clip"}, 2, "--loss clip"},
      {{"gradcheck", "--threads"}, 2, "--threads needs a value"},
      {{"gradcheck", "--op"}, 2, "--op needs a value"},
      {{"gradcheck", "--all", "--op", "layer_norm"}, 2, "contradict"},
      {{"gradcheck", "--backend", "gpu"}, 2, "did you mean 'cpu'?"},
      {{"gradcheck", "--threads", "12abc"}, 2, "'12abc' must be a whole number from 1 to 1024"},
      {{"gradcheck", "--threads", "0x10"}, 2, "from 1 to 1024"},
      {{"gradcheck", "--threads", "1e3"}, 2, "from 1 to 1024"},
      {{"gradcheck", "--threads", "0"}, 2, "from 1 to 1024"},
      {{"gradcheck", "--threads=-3"}, 2, "from 1 to 1024"},
      {{"gradcheck", "--threads", "99999999999999999999"}, 2, "from 1 to 1024"},
      {{"gradcheck", "--threads", ""}, 2, "from 1 to 1024"},
      {{"gradcheck", "--threads", std::string(100000, '1')}, 2, "100000 bytes"},
      {std::vector<std::string>(10000, "inspect"), 2, "unexpected argument"},
      {{"explain"}, 2, "needs a NAME"},
      {{"explain", "layer_norm", "--list"}, 2, "not both"},
      {{"explain", "layr_norm"}, 2, "did you mean 'layer_norm'?"},
      {{"doctor", "now"}, 2, "unexpected argument 'now'"},
      {{"train", "--resume", "runs/one"}, 2, "did you mean --out runs/one?"},
  });
}

TEST_CASE("cli: with --json an error is one object, also for an unreadable command line") {
  const Ended usage = run_program({"gradcheck", "--json", "--threads", "x"});
  CHECK(usage.status == 2);
  const json error = json::parse(usage.err)["error"];
  CHECK(keys(error) == std::vector<std::string>{"code", "exit", "file", "hint", "message"});
  CHECK(error["exit"] == 2);
  CHECK(error["code"] == "option.value");
  CHECK(error["file"].is_null());
  const Ended missing = run_program({"inspect", "no/such/file.npy", "--json"});
  CHECK(missing.status == 3);
  CHECK(missing.out.empty());
  CHECK(json::parse(missing.err)["error"]["file"] == "no/such/file.npy");
}

TEST_CASE("cli: inspect tells names, dtypes, shapes and what is not finite; names are escaped") {
  const TempDir dir;
  const double values[] = {1, NAN, INFINITY, -INFINITY, 5, 6};
  const std::int64_t index[] = {1, 2};
  const std::string path = dir / "a.npz", tensors = dir / "b.safetensors", unnamed = dir / "c";
  data::write_npz(path, {{"x", data::make_array({2, 3}, values)}, {"evil\x1b[31m", data::make_array({2}, index)}});
  data::write_safetensors(tensors, {{}, {{"w", data::make_array({3, 2}, values)}}});
  data::write_npz(unnamed, {{"x", data::make_array({2}, index)}});

  const json npz = json::parse(run_program({"inspect", path, "--json"}).out);
  CHECK(npz["file"] == path);
  CHECK(npz["format"] == "npz");
  CHECK(npz["arrays"][0] == json{{"name", "x"}, {"dtype", "float64"}, {"shape", {2, 3}}, {"nan", 1}, {"inf", 2}});
  CHECK(npz["arrays"][1]["name"] == "evil\x1b[31m");
  const json st = json::parse(run_program({"inspect", tensors, "--json"}).out);
  CHECK(st["format"] == "safetensors");
  CHECK(st["arrays"][0]["shape"] == json{3, 2});
  CHECK(json::parse(run_program({"inspect", unnamed, "--json"}).out)["format"] == "npz");

  const Ended table = run_program({"inspect", path});
  CHECK(table.status == 0);
  CHECK(table.err.empty());
  CHECK(table.out.find('\x1b') == std::string::npos);
  CHECK(table.out.find("evil\\x1b[31m") != std::string::npos);
}

TEST_CASE("cli: inspect refuses damaged files with status 3") {
  const TempDir dir;
  const double values[] = {1, 2};
  data::write_npz(dir / "whole.npz", {{"x", data::make_array({2}, values)}});
  const std::string whole = io_test::slurp(dir / "whole.npz");
  check_refusals({
      {{"inspect", dir.file("a.npy", "")}, 3, "a.npy"},
      {{"inspect", dir.file("b.npy", "<html>not here</html>")}, 3, "b.npy"},
      {{"inspect", dir.file("c.npz", whole.substr(0, whole.size() - 5))}, 3, "c.npz"},
      {{"inspect", dir.file("d.safetensors", std::string(8, '\xff'))}, 3, "d.safetensors"},
      {{"inspect", dir.file("e.txt", "plain text")}, 3, "e.txt"},
      {{"inspect", dir / ""}, 3, "directory"},
      {{"inspect", dir / "absent.npy"}, 3, "no such file"},
  });
}

TEST_CASE("cli: gradcheck prints one object a line and their sum") {
  const Ended e = run_program({"gradcheck", "--op", "layer_norm", "--json", "--threads", "2"});
  CHECK(e.status == 0);
  CHECK(e.err.empty());
  const std::vector<json> lines = json_lines(e.out);
  REQUIRE(lines.size() >= 2);
  std::int64_t checks = 0;
  for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
    CHECK(keys(lines[i]) ==
          std::vector<std::string>{"checks", "kind", "max_rel_error", "name", "pass", "sample", "tolerance"});
    CHECK(lines[i]["kind"] == "op");
    CHECK(lines[i]["name"] == "layer_norm");
    CHECK(lines[i]["pass"] == true);
    CHECK(lines[i]["max_rel_error"] <= lines[i]["tolerance"]);
    checks += lines[i]["checks"].get<std::int64_t>();
  }
  CHECK(keys(lines.back()) == std::vector<std::string>{"checks", "failed", "max_rel_error", "total"});
  CHECK(lines.back()["total"] == lines.size() - 1);
  CHECK(lines.back()["failed"] == 0);
  CHECK(lines.back()["checks"] == checks);
  const Ended reference = run_program({"gradcheck", "--op=layer_norm", "--backend", "reference"});
  CHECK(reference.status == 0);
  CHECK(reference.out.find("pass") != std::string::npos);
}

TEST_CASE("cli: bench --surgery tells what a backward pass a loss costs beside the plain step") {
  const Ended e = run_program({"bench", "--surgery", "--scheme", "modality-moe", "--config", "tiny", "--steps", "1",
                               "--warmup", "1", "--threads", "1", "--json"});
  CHECK(e.status == 0);
  const json line = json::parse(e.out);
  CHECK(line["losses"] == json::array({"align", "balance", "variance", "decorrelate"}));
  CHECK(line["bound"].get<double>() == doctest::Approx(2.8));
  for (const char* key : {"plain_ms", "surgery_ms"}) CHECK(line[key]["median"].get<double>() > 0);
  CHECK(line["plain_steps"].get<double>() > 0);
}

TEST_CASE("cli: explain knows every name, with its formula and the figure of its gradient check") {
  const std::string list = run_program({"explain", "--list"}).out;
  for (const OpInfo* op : all_ops()) CHECK(list.find(" " + std::string(op->name) + " ") != std::string::npos);
  const Ended e = run_program({"explain", "layer_norm"});
  CHECK(e.status == 0);
  for (const char* part : {"backward", "arXiv", "gamma", "eps", "1e-05", "Gradient check: pass"})
    CHECK(e.out.find(part) != std::string::npos);
}

TEST_CASE("cli: doctor tells what the program runs on") {
  const json d = json::parse(run_program({"doctor", "--json"}).out);
  for (const char* key : {"version", "compiler", "cpu", "backends", "threads", "memory_mib", "built_for_this_cpu"})
    CHECK(d.contains(key));
  CHECK(d["memory_mib"]["total"] > 0);
  CHECK(run_program({"doctor"}).out.find("reference") != std::string::npos);
}

TEST_CASE("cli: surroundings: closed pipe, full disk, OMP_NUM_THREADS, locale") {
  const std::vector<std::string> check = {"gradcheck", "--op", "layer_norm", "--json"};
  const int full = ::open("/dev/full", O_WRONLY);
  CHECK(run_program({"doctor"}, {.out = full}).status == 4);
  ::close(full);
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  ::close(ends[0]);
  const Ended closed = run_program(check, {.out = ends[1]});
  ::close(ends[1]);
  CHECK(closed.status == 0);
  CHECK(closed.err.empty());

  for (const char* nonsense : {"0", "-3", "abc", "10000", "2x"}) {
    const Ended e = run_program(check, {.variables = {{"OMP_NUM_THREADS", nonsense}}});
    CAPTURE(nonsense);
    CHECK(e.status == 2);
    CHECK(e.err.find("OMP_NUM_THREADS") != std::string::npos);
  }
  const Ended plain = run_program(check);
  CHECK(run_program(check, {.variables = {{"OMP_NUM_THREADS", "3,2"}}}).out == plain.out);
  CHECK(run_program(check, {.variables = {{"LC_ALL", "de_DE.UTF-8"}}}).out == plain.out);
}
