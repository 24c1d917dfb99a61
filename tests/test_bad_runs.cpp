// Data and runs that leave figures without a meaning: each figure says why, no page holds NaN, and a report is written.
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

struct Run {
  io_test::TempDir dir;
  std::string path = dir / "run";

  std::string features(const std::string& name, std::int64_t rows, std::int64_t width, bool constant = false) {
    Rng rng(name[0]);
    std::vector<float> values(static_cast<std::size_t>(rows * width), 1);
    for (float& v : values)
      if (!constant) v = static_cast<float>(rng.normal());
    data::write_npy(dir / name, data::make_array({rows, width}, std::span<const float>(values)));
    return dir / name;
  }
  void train(std::vector<std::string> more, const std::string& text, const std::string& image) {
    std::vector<std::string> args = {"train", "--text",  text, "--image",   image, "--out",
                                     path,    "--steps", "2",  "--threads", "1"};
    args.insert(args.end(), more.begin(), more.end());
    const Ended e = run_program(args);
    CAPTURE(e.err);
    REQUIRE(e.status == 0);
  }
  // The page, free of NaN; its figures too.
  std::string page() const {
    const std::string html = io_test::slurp(path + "/report.html");
    for (const char* bad : {">nan", ">NaN", ">-nan", ">inf", ">-inf", "nan %", "inf %", "=\"nan", ",nan", " nan"})
      CHECK_MESSAGE(html.find(bad) == std::string::npos, bad);
    CHECK(html.find("Verdict") != std::string::npos);
    return html;
  }
  nlohmann::json figures() const {
    const Ended e = run_program({"eval", path, "--json"});
    CAPTURE(e.err);
    REQUIRE(e.status == 0);
    CHECK(e.out.find("nan") == std::string::npos);
    CHECK(run_program({"eval", path}).status == 0);
    return nlohmann::json::parse(e.out);
  }
};

bool says(const nlohmann::json& figures, const std::string& figure, const std::string& reason) {
  for (const auto& u : figures["undefined"])
    if (u["figure"].get<std::string>().find(figure) != std::string::npos &&
        u["reason"].get<std::string>().find(reason) != std::string::npos)
      return true;
  return false;
}

}  // namespace

TEST_CASE("bad runs: constant features") {
  Run r;
  r.train({}, r.features("t.npy", 30, 6, true), r.features("i.npy", 30, 6));
  const auto j = r.figures();
  CHECK(j["cka"][0]["value"].is_null());
  CHECK(says(j, "CKA of shared.text", "the same for all"));
  CHECK(says(j, "effective rank of private.text", "the same for all"));
  CHECK(r.page().find("undefined") != std::string::npos);
}

TEST_CASE("bad runs: fewer than four held-out samples, more features than samples") {
  Run r;
  r.train({}, r.features("t.npy", 12, 40), r.features("i.npy", 12, 50));
  const auto j = r.figures();
  CHECK(j["test_items"] == 2);
  CHECK(says(j, "CKA of", "fewer than 4 held-out items"));
  CHECK(j["leakage_interval"]["private.text"]["shared.image"].is_null());
  CHECK(r.page().find("fewer than 4 held-out items") != std::string::npos);

  Run one;  // a single held-out item
  one.train({}, one.features("t.npy", 6, 4), one.features("i.npy", 6, 4));
  CHECK(one.figures()["test_items"] == 1);
  one.page();
  Run none;
  none.train({}, none.features("t.npy", 4, 4), none.features("i.npy", 4, 4));
  CHECK(none.page().find("holds out no items") != std::string::npos);
}

TEST_CASE("bad runs: labels of one class") {
  Run r;
  const std::vector<std::int64_t> labels(40, 0);
  data::write_npy(r.dir / "y.npy", data::make_array({40}, std::span<const std::int64_t>(labels)));
  r.train({"--labels", r.dir / "y.npy"}, r.features("t.npy", 40, 6), r.features("i.npy", 40, 6));
  CHECK(says(r.figures(), "probe of label in private.text", "one class"));
  CHECK(r.page().find("one class") != std::string::npos);
}

TEST_CASE("bad runs: no checkpoint, half a line of metrics: the report is written all the same") {
  Run r;
  r.train({}, r.features("t.npy", 60, 6), r.features("i.npy", 60, 6));
  std::ofstream(r.path + "/metrics.jsonl", std::ios::app) << "{\"step\":3,\"loss\":0.1,\"cka/se";
  CHECK(run_program({"report", r.path}).status == 0);
  r.page();
  std::filesystem::remove_all(r.path + "/checkpoints");
  std::filesystem::remove(r.path + "/report.html");
  const Ended e = run_program({"report", r.path, "--json"});
  CHECK(e.status == 0);
  const std::string html = io_test::slurp(r.path + "/report.html");
  CHECK(html.find("No figures of the model") != std::string::npos);
  CHECK(html.find("</html>") != std::string::npos);
  CHECK(run_program({"eval", r.path}).status == 3);
}
