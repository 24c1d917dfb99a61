// The verdict: what it says of figures that are known, and of runs that were broken on purpose.
#include "app/verdict.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/io_helpers.h"

namespace {

using namespace triptych;
using namespace triptych::app;

RunConfig features() {
  RunConfig c = feature_defaults();
  for (const char* name : {"text", "image"}) {
    ModalitySpec m;
    m.name = name;
    c.model.modalities.push_back(m);
  }
  return c;
}

// A run as it should be.
Evaluation healthy() {
  Evaluation e;
  e.train_items = 400;
  e.test_items = 100;
  e.recall = {0.5, 0.8, 0.9};
  e.chance = {0.01, 0.05, 0.1};
  e.recall_interval = {{0.4, 0.6}, {0.7, 0.9}, {0.8, 0.95}};
  e.train_recall = {0.6, 0.9, 0.95};
  for (const char* m : {"text", "image"}) {
    const std::string z = std::string("private.") + m, s = std::string("shared.") + m;
    e.probes.push_back({z, "style", 0.9, 0.25, 100, true, "accuracy", Interval{0.8, 0.95}});
    e.leakage.push_back({z, "concept", 0.02, Interval{0, 0.08}});
    e.leakage.push_back({s, "style", 0.04, Interval{0, 0.1}});
    e.leakage.push_back({z, foreign_input, 0.0});
    e.cka.push_back({z, s, 0.02, false});
    e.ranks.push_back({z, 12, 16, 0.9});
    e.ranks.push_back({s, 9, 16, 0.8});
  }
  e.cka.push_back({"shared.text", "shared.image", 0.8, true});
  return e;
}

bool accused(const std::vector<Verdict>& all) {
  return std::ranges::any_of(all, [](const Verdict& v) { return v.severity < Verdict::Severity::note; });
}

std::string titles(const std::vector<Verdict>& all) {
  std::string text;
  for (const Verdict& v : all) text += std::string(severity_text(v.severity)) + ": " + v.title + "\n";
  return text;
}

// Breaks one thing; the title that names it must come, and only that one must accuse.
template <class Break>
void check_named(const std::string& title, const char* severity, Break&& broken, const TrainingHistory& history = {}) {
  RunConfig config = features();
  Evaluation e = healthy();
  broken(config, e);
  const std::vector<Verdict> all = judge(config, &e, history);
  const std::string found = titles(all);
  CAPTURE(found);
  CHECK(found.find(std::string(severity) + ": ") != std::string::npos);
  CHECK(found.find(title) != std::string::npos);
  CHECK(std::ranges::count_if(all, [](const Verdict& v) { return v.severity < Verdict::Severity::note; }) <=
        (std::string(severity) == "note" ? 0 : 1));
  CHECK((found.find("good: ") != std::string::npos) == !accused(all));
}

}  // namespace

TEST_CASE("verdict: a healthy run is praised, with its figures, and not accused") {
  const Evaluation e = healthy();
  const std::vector<Verdict> all = judge(features(), &e, {});
  REQUIRE(all.size() == 1);
  CHECK(all[0].severity == Verdict::Severity::good);
  CHECK(all[0].evidence.find("50.0 times as often as guessing") != std::string::npos);
  CHECK(all[0].evidence.find("4.0 % (95 %: 0.0 to 10.0) of style in shared.text") != std::string::npos);
}

TEST_CASE("verdict: praise does not say what a note denies") {
  Evaluation e = healthy();
  e.leakage[0] = {"private.text", "shared.image", 0.15, Interval{0.05, 0.25}};
  const std::string all = titles(judge(features(), &e, {}));
  CHECK(all.find("good: Nothing serious was found") != std::string::npos);
  CHECK(all.find("private is private") == std::string::npos);
}

TEST_CASE("verdict: each fault is named, alone") {
  check_named("private.text sees other modalities: the mask is not hard", "bad", [](RunConfig& c, Evaluation& e) {
    c.model.typed_slots.soft = true;
    e.leakage[2].value = 0.03;
  });
  check_named("private.text repeats what is shared", "warning", [](RunConfig&, Evaluation& e) {
    e.leakage[0] = {"private.text", "shared.image", 0.5, Interval{0.4, 0.6}};
  });
  check_named("private.text repeats what is shared", "note", [](RunConfig&, Evaluation& e) {
    e.leakage[0] = {"private.text", "shared.image", 0.15, Interval{0.05, 0.25}};
  });
  check_named("private.text repeats what is shared", "warning", [](RunConfig&, Evaluation& e) {
    e.cka[0].value = 0.8;  // though no leak was found
  });
  check_named("Decorrelation is off: private.text repeats what is shared", "bad", [](RunConfig& c, Evaluation& e) {
    std::erase_if(c.model.objective, [](const TermConfig& t) { return t.name == "decorrelate"; });
    e.leakage[0].value = 0.7;
    e.leakage[0].interval = Interval{0.6, 0.8};
  });
  check_named("Decorrelation is off: nothing keeps", "note", [](RunConfig& c, Evaluation&) {
    for (TermConfig& t : c.model.objective)
      if (t.name == "decorrelate") t.weight = t.weight_end = 0;
  });
  check_named("shared.text tells what is private", "warning", [](RunConfig&, Evaluation& e) {
    e.leakage[1].value = 0.4;
    e.leakage[1].interval = Interval{0.3, 0.5};
  });
  check_named("The shared code has collapsed", "bad", [](RunConfig&, Evaluation& e) { e.ranks[1].value = 1.1; });
  check_named("The shared code has collapsed", "bad", [](RunConfig&, Evaluation& e) { e.ranks[3].value.reset(); });
  check_named("The shared code has collapsed", "bad", [](RunConfig&, Evaluation& e) { e.ranks[1].spread = 0.001; });
  check_named("The shared code has collapsed", "bad", [](RunConfig&, Evaluation& e) { e.tied = 0.9; });
  check_named("private.image has collapsed", "bad", [](RunConfig&, Evaluation& e) { e.ranks[2].value = 1.0; });
  const auto guesses = [](Evaluation& e) {
    e.recall = {0.01, 0.06, 0.11};
    e.recall_interval = {{0, 0.05}, {0.02, 0.12}, {0.06, 0.19}};
    e.train_recall = {0.01, 0.05, 0.1};
  };
  check_named("do the rows belong together?", "bad", [&](RunConfig&, Evaluation& e) { guesses(e); });
  check_named("learned by heart", "bad", [&](RunConfig&, Evaluation& e) {
    guesses(e);
    e.train_recall = {0.9, 1, 1};
  });
  check_named("nothing aligns them", "bad", [&](RunConfig& c, Evaluation& e) {
    guesses(e);
    std::erase_if(c.model.objective, [](const TermConfig& t) { return t.name == "align"; });
  });
  check_named("Too few held-out items", "note", [&](RunConfig&, Evaluation& e) {
    guesses(e);
    e.test_items = 10;
  });
  check_named("private.image hardly holds what is private", "warning", [](RunConfig&, Evaluation& e) {
    e.probes[1].value = 0.27;
    e.probes[1].interval = Interval{0.2, 0.35};
  });
  check_named("Some figures are undefined", "note", [](RunConfig&, Evaluation& e) {
    e.undefined.push_back({"CKA of private.text and shared.text", "one of them is the same for all held-out items"});
  });
  TrainingHistory dead;
  dead.experts = {{0, "text", "both", {0.5, 0.001, 0.3, 0.199}}, {0, "image", "both", {0.4, 0.2, 0.4, 0.0}}};
  check_named(
      "An expert is dead", "warning", [](RunConfig& c, Evaluation&) { c.model.scheme = {"modality-moe"}; }, dead);
  TrainingHistory foreign;
  foreign.experts = {{0, "text", "both", {0.2, 0.2, 0.2, 0.2, 0.1, 0.1}, 0.2},
                     {0, "image", "both", {0.3, 0.3, 0.2, 0.2, 0, 0}, 0.1}};
  check_named(
      "go through experts of other modalities", "bad",
      [](RunConfig& c, Evaluation&) { c.model.moe.experts.foreign_penalty = 4; }, foreign);
}

TEST_CASE("verdict: an expert that one route leaves to another is not dead") {
  TrainingHistory h;  // text's own experts serve its private code, the shared ones its shared code
  h.experts = {{0, "text", "shared", {0.0, 0.0, 0.5, 0.5}},
               {0, "text", "private", {0.4, 0.6}},
               {0, "image", "shared", {0.0, 0.0, 0.9, 0.1}},
               {0, "image", "private", {0.5, 0.5}}};
  CHECK_FALSE(accused(judge(features(), nullptr, h)));
  h.experts[3].load = {1, 0};
  const auto all = judge(features(), nullptr, h);
  REQUIRE(accused(all));
  CHECK(all[0].evidence.find("expert 1 of image in layer 0") != std::string::npos);
}

TEST_CASE("verdict: nobody is told to add the loss that is there") {
  Evaluation e = healthy();
  e.ranks[1].value = 1.0;
  RunConfig config = features();
  const auto advice = [&](const char* loss) {
    for (TermConfig& t : config.model.objective)
      if (t.name == "align") t.loss = loss;
    return judge(config, &e, {})[0].advice;
  };
  CHECK(advice("clip").starts_with("more steps"));
  CHECK(advice("vicreg").starts_with("a contrastive loss on the shared codes"));
}

TEST_CASE("verdict: text and JSON") {
  Evaluation e = healthy();
  e.ranks[1].value = 1.0;
  const auto all = judge(features(), &e, {});
  const auto j = verdicts_json(all);
  CHECK(j[0]["severity"] == "bad");
  for (const char* key : {"title", "evidence", "advice"}) CHECK(j[0][key].is_string());
  const std::string text = verdicts_text(all);
  CHECK(text.starts_with("bad      The shared code has collapsed"));
  for (std::size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos; at = end + 1) CHECK(end - at <= 120);
  const std::vector<Verdict> evil = {{Verdict::Severity::bad, "a\x1b[31m", std::string(300, 'x') + " y\n", "z"}};
  CHECK(verdicts_text(evil).find('\x1b') == std::string::npos);
}

TEST_CASE("history: the last quarter of the lines, half a line left out") {
  const io_test::TempDir dir;
  std::string lines;
  for (int step = 1; step <= 8; ++step)
    lines += "{\"step\":" + std::to_string(step) + ",\"loss\":" + std::to_string(9 - step) +
             ",\"routing\":[{\"layer\":0,\"modality\":\"text\",\"code\":\"both\",\"load\":[" +
             (step < 7    ? "1,0"
              : step == 7 ? "0.5,0.5"
                          : "0.25,0.75") +
             "],\"dropped\":0,\"entropy\":0.1,\"leakage\":0.5}, 7]}\n";
  const std::string path = dir.file("metrics.jsonl", lines + "nonsense\n{\"step\":9,\"loss\":1,\"rout");
  const TrainingHistory h = read_history(path);
  REQUIRE(h.experts.size() == 1);
  CHECK(h.experts[0].load == std::vector<double>{0.375, 0.625});
  CHECK(h.experts[0].leakage == 0.5);
  CHECK(read_history(dir / "none").experts.empty());
}
