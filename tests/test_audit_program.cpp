// audit and tape from outside: exit statuses, refusals, and output that others can read.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>

#include "app/tape_listing.h"
#include "data/npy.h"
#include "tests/test_cli_program.h"

using namespace triptych;
using namespace triptych::cli_test;
using io_test::TempDir;
using nlohmann::json;

namespace {

const std::string hostile = "</script><!-- \"it's\" \\ & <b>\xe2\x80\xae";

app::TapeListing hostile_tape() {
  app::TapeListing t{hostile, {}, 12};
  t.nodes = {{"variable", hostile, Shape{3}, DType::f32, 12, 0, true, {}, {1}},
             {"reshape", "", Shape{1, 3}, DType::f32, 12, 0, true, {0}, {}}};
  return t;
}

// The nodes and edges of a graph, every line of which must be one statement of Graphviz.
struct Graph {
  std::set<std::string> nodes;
  std::vector<std::pair<std::string, std::string>> edges;
  explicit Graph(const std::string& dot) {
    const std::string quoted = R"re("(?:[^"\\]|\\.)*")re";
    const std::regex head("digraph " + quoted + R"( \{)"), setting(R"(  rankdir=TB;|  node \[.*\];)"),
        node("  (n[0-9]+) \\[label=" + quoted + "(?:, [a-z]+=(?:[a-z]+|" + quoted + "))*\\];"),
        edge("  (n[0-9]+) -> (n[0-9]+);");
    std::istringstream in(dot);
    std::string line;
    std::getline(in, line);
    CHECK(std::regex_match(line, head));
    std::smatch m;
    while (std::getline(in, line) && line != "}") {
      if (std::regex_match(line, m, node))
        nodes.insert(m[1]);
      else if (std::regex_match(line, m, edge))
        edges.emplace_back(m[1], m[2]);
      else
        CHECK_MESSAGE(std::regex_match(line, setting), line);
    }
    CHECK(line == "}");
  }
};

}  // namespace

TEST_CASE("audit program: exit status 0 for hard masks, 1 for soft ones, as text and as JSON") {
  const Ended hard = run_program({"audit", "--scheme", "typed-slots"});
  CHECK(hard.status == 0);
  CHECK(hard.out.find("no private code sees another modality\n") != std::string::npos);
  const Ended soft = run_program({"audit", "--scheme", "typed-slots", "--set", "typed_slots.soft=true"});
  CHECK(soft.status == 1);
  CHECK(soft.out.find("LEAK: private.text sees image; private.image sees text\n") != std::string::npos);
  CHECK(soft.out.find("private.text sees image (g=0):\n  #") != std::string::npos);
  const json j =
      json::parse(run_program({"audit", "--scheme", "typed-slots", "--set", "typed_slots.soft=true", "--json"}).out);
  CHECK(j["pass"] == false);
  int found = 0;
  for (const json& d : j["dependences"])
    if (d["leak"]) {
      ++found;
      CHECK(d["way"][0]["name"] == d["modality"]);
    }
  CHECK(found == 8);  // two codes in four situations
  CHECK(j["shared_parameters"].size() > 0);
}

TEST_CASE("audit program: a run is audited with its own weights; one without a checkpoint is refused") {
  const TempDir dir;
  for (const char* name : {"text", "image"}) {
    std::vector<float> x(30 * 5);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>((i * 7919 + name[0]) % 101) / 50.0F - 1;
    data::write_npy(dir / (std::string(name) + ".npy"), data::make_array({30, 5}, x));
  }
  const std::string run = dir / "run";
  REQUIRE(run_program({"train", "--text", dir / "text.npy", "--image", dir / "image.npy", "--out", run, "--steps", "2",
                       "--scheme", "query-banks", "--set", "model.width=8"})
              .status == 0);
  const Ended e = run_program({"audit", run, "--json"});
  CAPTURE(e.err);
  CHECK(e.status == 0);
  const json j = json::parse(e.out);
  CHECK(j["pass"] == true);
  CHECK(j["dependences"].size() == 5 * 2 * 4);
  const json tape = json::parse(run_program({"tape", run, "--json"}).out);
  CHECK(tape["title"] == run);
  CHECK(run_program({"audit", run, "--set", "model.width=4"}).status == 2);

  const std::string empty = dir / "empty";
  std::filesystem::create_directory(empty);
  std::filesystem::copy_file(run + "/config.toml", empty + "/config.toml");
  for (const char* command : {"audit", "tape"})
    check_refusals({{{command, empty}, 3, "holds no checkpoint yet"},
                    {{command, dir / "nowhere"}, 3, "no such folder"},
                    {{command}, 2, "neither a RUN nor --scheme"},
                    {{command, run, "--scheme", "typed-slots"}, 2, "exclude each other"},
                    {{command, "--scheme", "typed-slot"}, 2, "did you mean 'typed-slots'?"},
                    {{command, "--scheme", "typed-slots", "--set", "typed_slots.sofd=true"}, 2, "typed_slots.soft"},
                    {{command, "--scheme", "typed-slots", "--set", "typed_slots.heads=3"}, 2, "divisor"}});
  check_refusals({{{"tape", "--scheme", "query-banks", "--dot", "--html"}, 2, "exclude each other"}});
}

TEST_CASE("tape program: names, shapes, and every edge from both ends") {
  const json t = json::parse(run_program({"tape", "--scheme", "query-banks+shared-private", "--json"}).out);
  std::set<std::string> names;
  std::int64_t bytes = 0;
  for (const json& n : t["nodes"]) {
    if (!n["name"].is_null()) names.insert(n["name"]);
    std::int64_t size = 4;
    for (const std::int64_t s : n["shape"]) size *= s;
    CHECK(n["bytes"] == size);
    if (n["storage"] == n["id"]) bytes += size;
    for (const int input : n["inputs"]) {
      CHECK(input < n["id"]);
      const json& feeds = t["nodes"][static_cast<std::size_t>(input)]["feeds"];
      CHECK(std::count(feeds.begin(), feeds.end(), n["id"]) == 1);
    }
  }
  CHECK(t["bytes"] == bytes);
  for (const char* name : {"text", "image", "image.mask", "text.mlp.up.weight", "loss", "loss.align", "logit_scale"})
    CHECK_MESSAGE(names.contains(name), name);

  const Graph g(run_program({"tape", "--scheme", "query-banks+shared-private", "--dot"}).out);
  CHECK(g.nodes.size() == t["nodes"].size());
  std::size_t edges = 0;
  for (const json& n : t["nodes"]) edges += n["inputs"].size();
  CHECK(g.edges.size() == edges);
  for (const auto& [from, to] : g.edges) CHECK((g.nodes.contains(from) && g.nodes.contains(to)));

  const std::string text = run_program({"tape", "--scheme", "shared-private"}).out;
  CHECK(text.find("loss.reconstruct") != std::string::npos);
  const std::string html = run_program({"tape", "--scheme", "shared-private", "--html"}).out;
  CHECK(html.starts_with("<!doctype html>"));
  CHECK(html.find("href=\"#n0\"") != std::string::npos);
  CHECK(html.find("id=\"n0\"") != std::string::npos);
  CHECK(html.find("<script") == std::string::npos);
  CHECK(html.find("http") == html.find("http-equiv"));  // nothing is fetched
}

TEST_CASE("tape: hostile names stay text in HTML, Graphviz and on a terminal") {
  const app::TapeListing t = hostile_tape();
  const std::string html = app::tape_html(t);
  CHECK(html.find("</script") == std::string::npos);
  CHECK(html.find("<!--") == std::string::npos);
  CHECK(html.find("<b>") == std::string::npos);
  CHECK(html.find("&lt;/script&gt;&lt;!-- &quot;it&#39;s&quot;") != std::string::npos);
  const Graph g(app::tape_dot(t));
  CHECK(g.nodes == std::set<std::string>{"n0", "n1"});
  CHECK(g.edges.size() == 1);
  for (const std::string& out : {html, app::tape_dot(t), app::tape_text(t)})
    CHECK(out.find("\xe2\x80\xae") == std::string::npos);
  CHECK(json::parse(app::tape_json(t))["nodes"][0]["name"] == hostile);
}
