#include "app/eval_text.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/terminal.h"
#include "core/error.h"

namespace triptych::app {
namespace {

using Json = nlohmann::ordered_json;

Json or_null(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

Json by_k(const Evaluation& e, const std::vector<double>& values) {
  Json object = Json::object();
  for (std::size_t i = 0; i < e.k.size(); ++i) object[std::to_string(e.k[i])] = values[i];
  return object;
}

Json or_null(const std::optional<Interval>& i) { return i ? Json::array({i->low, i->high}) : Json(); }

Json by_k(const Evaluation& e, const std::vector<Interval>& intervals) {
  Json object = Json::object();
  for (std::size_t i = 0; i < e.k.size(); ++i) object[std::to_string(e.k[i])] = or_null(intervals[i]);
  return object;
}

std::string percent(double fraction) { return fixed_text(100 * fraction, 1); }
// "34.1 to 45.9", of percentages.
std::string percents(const std::optional<Interval>& i) { return i ? percent(i->low) + " to " + percent(i->high) : "-"; }
std::string two_digits(const std::optional<Interval>& i) {
  return i ? fixed_text(i->low, 2) + " to " + fixed_text(i->high, 2) : "-";
}
std::string two_digits(const std::optional<double>& value) { return value ? fixed_text(*value, 2) : "undefined"; }

// Columns as wide as their widest cell; the first `left` of them flush left.
std::string table(const std::vector<std::vector<std::string>>& rows, std::size_t left) {
  std::vector<std::size_t> width(rows.front().size(), 0);
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) width[i] = std::max(width[i], row[i].size());
  std::string out;
  for (const auto& row : rows) {
    std::string line = " ";
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += i == 0 ? " " : "  ";
      line += i < left ? pad(row[i], width[i]) : pad_left(row[i], width[i]);
    }
    out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return out;
}

std::string name(const std::string& text) { return escape_text(text, 64); }

}  // namespace

Json evaluation_json(const Evaluation& e, const std::string& split) {
  Json j = {{"split", split},
            {"train_items", e.train_items},
            {"test_items", e.test_items},
            {"recall", by_k(e, e.recall)},
            {"recall_interval", by_k(e, e.recall_interval)},
            {"chance", by_k(e, e.chance)},
            {"train_recall", e.train_recall.empty() ? Json() : by_k(e, e.train_recall)},
            {"tied", e.tied}};
  for (const char* list : {"retrieval", "probes", "cka"}) j[list] = Json::array();
  for (const Retrieval& r : e.directions)
    j["retrieval"].push_back(
        {{"from", r.from}, {"to", r.to}, {"recall", by_k(e, r.recall)}, {"interval", by_k(e, r.interval)}});
  for (const Probe& p : e.probes)
    j["probes"].push_back({{"code", p.code},
                           {"factor", p.factor},
                           {"metric", p.metric},
                           {"value", p.value},
                           {"low", p.interval ? Json(p.interval->low) : Json()},
                           {"high", p.interval ? Json(p.interval->high) : Json()},
                           {"chance", p.chance},
                           {"above_chance", or_null(p.above_chance())},
                           {"above_chance_interval", or_null(p.above_chance_interval())},
                           {"n", p.n}});
  for (const Similarity& s : e.cka)
    j["cka"].push_back({{"a", s.a}, {"b", s.b}, {"value", or_null(s.value)}, {"p_value", or_null(s.p_value)}});
  j["cca"] = Json::array();
  for (const TotalCorrelation& t : e.total_correlation)
    j["cca"].push_back({{"a", t.a},
                        {"b", t.b},
                        {"components", t.components},
                        {"total", t.value},
                        {"train_total", t.train},
                        {"inputs_total", or_null(t.of_inputs)}});
  if (e.task)
    j["task"] = {{"metric", e.task->metric},
                 {"value", e.task->value},
                 {"interval", or_null(e.task->interval)},
                 {"chance", e.task->chance},
                 {"n", e.task->n}};
  else
    j["task"] = nullptr;
  j["leakage"] = Json::object();
  j["leakage_interval"] = Json::object();
  for (const Leak& l : e.leakage) {
    j["leakage"][l.code][l.of] = or_null(l.value);
    if (l.of != foreign_input) j["leakage_interval"][l.code][l.of] = or_null(l.interval);
  }
  j["effective_rank"] = Json::array();
  for (const Rank& r : e.ranks)
    j["effective_rank"].push_back(
        {{"code", r.code}, {"value", or_null(r.value)}, {"width", r.width}, {"spread", r.spread}});
  j["undefined"] = Json::array();
  for (const Undefined& u : e.undefined) j["undefined"].push_back({{"figure", u.figure}, {"reason", u.reason}});
  return j;
}

std::string evaluation_text(const Evaluation& e) {
  using Rows = std::vector<std::vector<std::string>>;
  std::string out = "Retrieval among " + std::to_string(e.test_items) +
                    " held-out items by the shared code, in percent. Good: far above chance.\n";
  Rows rows = {{"recall at"}, {"chance"}};
  for (std::size_t i = 0; i < e.k.size(); ++i) {
    rows[0].push_back(std::to_string(e.k[i]));
    rows[1].push_back(percent(e.chance[i]));
  }
  const auto add = [&](const std::string& label, const std::vector<double>& values) {
    rows.push_back({label});
    for (const double v : values) rows.back().push_back(percent(v));
  };
  for (const Retrieval& r : e.directions) add(name(r.from) + " -> " + name(r.to), r.recall);
  add("mean", e.recall);
  rows.push_back({"95 % interval"});
  for (const Interval& i : e.recall_interval) rows.back().push_back(percents(i));
  if (!e.train_recall.empty()) add("mean, training items", e.train_recall);
  out += table(rows, 1);
  if (e.tied > 0.01)
    out += "  Note: " + percent(e.tied) + " % of the matches tie with another item, which flatters these figures.\n";

  if (!e.probes.empty()) {
    out +=
        "\nWhat a linear probe reads from a code, in percent (fitted on training items, scored on held-out ones).\n"
        "Good: far above chance where the code should hold the factor, at chance where it should not.\n";
    rows = {
        {"code", "factor", "should", e.probes.front().metric == "r2" ? "R^2" : "accuracy", "95 % interval", "chance"}};
    for (const Probe& p : e.probes)
      rows.push_back({name(p.code), name(p.factor),
                      !p.wanted   ? "-"
                      : *p.wanted ? "hold it"
                                  : "not",
                      percent(p.value), percents(p.interval), percent(p.chance)});
    out += table(rows, 3);
  }
  if (!e.leakage.empty()) {
    out += "\nLeakage: how much of what should be absent is there, above chance. Good: 0; 1 is all of it.\n";
    rows = {{"code", "knows", "leakage", "95 % interval"}};
    for (const Leak& l : e.leakage)
      rows.push_back({name(l.code), name(l.of), two_digits(l.value), two_digits(l.interval)});
    out += table(rows, 2);
  }
  out +=
      "\nSimilarity of codes (debiased linear CKA). Good: high between shared codes, near 0 for the rest.\n"
      "p: of independence, by HSIC (small: the one depends on the other in some way, maybe a faint one).\n";
  rows = {{"code", "and", "should be", "CKA", "p"}};
  for (const Similarity& s : e.cka)
    rows.push_back({name(s.a), name(s.b), s.wanted ? "high" : "near 0", two_digits(s.value),
                    s.p_value ? fixed_text(*s.p_value, 3) : "-"});
  out += table(rows, 3);
  if (!e.total_correlation.empty()) {
    out +=
        "\nTotal canonical correlation of shared codes: how much one modality's code tells of the other's, whatever "
        "the\n"
        "directions (fitted on training items, scored on held-out ones). Between 0 and the number of components; good: "
        "above\n"
        "what the features themselves have in common.\n";
    rows = {{"code", "and", "held out", "training", "of", "the features' own"}};
    for (const TotalCorrelation& t : e.total_correlation)
      rows.push_back({name(t.a), name(t.b), fixed_text(t.value, 2), fixed_text(t.train, 2),
                      std::to_string(t.components), t.of_inputs ? fixed_text(*t.of_inputs, 2) : "-"});
    out += table(rows, 2);
  }
  if (e.task)
    out += "\nThe task: " + std::string(e.task->metric == "r2" ? "R^2 " : "accuracy ") + percent(e.task->value) +
           " % (95 %: " + percents(e.task->interval) + ") on " + std::to_string(e.task->n) +
           " held-out items, chance " + percent(e.task->chance) + " %.\n";
  out += "\nEffective rank: how many directions a code uses. Good: a fair part of its width; 1 is a collapsed code.\n";
  rows = {{"code", "rank", "of"}};
  for (const Rank& r : e.ranks)
    rows.push_back({name(r.code), r.value ? fixed_text(*r.value, 1) : "undefined", std::to_string(r.width)});
  out += table(rows, 1);
  if (!e.undefined.empty()) out += "\nUndefined, and why:\n";
  for (const Undefined& u : e.undefined) out += "  " + name(u.figure) + ": " + escape_text(u.reason, 256) + "\n";
  return out;
}

}  // namespace triptych::app
