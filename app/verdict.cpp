#include "app/verdict.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/terminal.h"
#include "app/verdict_parts.h"
#include "core/error.h"
#include "models/objective/compares_samples.h"
#include "models/objective/term_codes.h"

namespace triptych::app {
namespace {

using enum Verdict::Severity;

bool takes_two(const TermConfig& t) {
  return std::ranges::any_of(find_loss(t.loss).inputs, [](const Input& i) { return i.name == "b"; });
}

// The largest leak that is known, for the praise.
std::string praise(const Evaluation& e) {
  std::string text;
  if (!e.recall.empty() && e.chance[0] > 0)
    text = "the shared code puts the right match first " + fixed_text(e.recall[0] / e.chance[0], 1) +
           " times as often as guessing";
  const Leak* most = nullptr;
  for (const Leak& l : e.leakage)
    if (l.of != foreign_input && l.value && (!most || *l.value > *most->value)) most = &l;
  if (most)
    text += "; the largest leak is " + with_interval(*most->value, most->interval) + " of " + most->of + " in " +
            most->code;
  return text;
}

void note_undefined(const Evaluation& e, std::vector<Verdict>& to) {
  if (e.undefined.empty()) return;
  std::string list;
  for (const Undefined& u : e.undefined) list += (list.empty() ? "" : "; ") + u.figure + ": " + u.reason;
  to.push_back({note, "Some figures are undefined", list, ""});
}

}  // namespace

Objectives objectives_of(const ModelConfig& model) {
  Objectives o;
  for (const TermConfig& t : model.objective) {
    if (t.weight == 0 && t.weight_end == 0) continue;
    const bool two = takes_two(t);
    int of_private = 0, of_shared = 0;  // single codes named
    for (const std::string& on : t.on) {
      if (on == "shared" && two) o.aligns = true, o.contrasts = o.contrasts || compares_samples(find_loss(t.loss));
      if (on == "cross-reconstruction" || on == "shared-reconstruction") o.aligns = true;
      if (on == "private-shared") o.decorrelates = true;
      if (on.starts_with("private") || on.ends_with("reconstruction") || on == "attention" || on == "views.private" ||
          on.starts_with("generation"))
        o.trains_private = o.trains_private || on != "shared-reconstruction";
      of_private += on.starts_with("private.");
      of_shared += on.starts_with("shared.");
    }
    if (two && of_shared == 2) o.aligns = true, o.contrasts = o.contrasts || compares_samples(find_loss(t.loss));
    if (two && of_shared == 1 && of_private == 1) o.decorrelates = true;
    if (t.on == std::vector<std::string>{"task"}) {
      o.trains_private = o.trains_private || std::ranges::any_of(model.head, [](const std::string& code) {
                           return code.starts_with("private");
                         });
    }
  }
  return o;
}

std::string with_interval(double value, const std::optional<Interval>& i) {
  return percents(value) +
         (i ? " (95 %: " + fixed_text(100 * i->low, 1) + " to " + fixed_text(100 * i->high, 1) + ")" : "");
}

std::vector<Verdict> judge(const RunConfig& config, const Evaluation* evaluation, const TrainingHistory& history) {
  std::vector<Verdict> all;
  judge_experts(config, history, all);
  if (evaluation) {
    const Evaluation& e = *evaluation;
    const Objectives o = objectives_of(config.model);
    judge_masks(config, e, history, all);
    judge_collapse(e, o, all);
    judge_pairs(e, o, shared_collapsed(e), all);
    judge_leaks(config, e, all);
    judge_private(e, o, all);
    note_undefined(e, all);
    if (std::ranges::none_of(all, [](const Verdict& v) { return v.severity < note; }))
      all.push_back({good,
                     all.empty() ? "Nothing wrong was found: private is private and shared is shared"
                                 : "Nothing serious was found; the notes say what is not quite right",
                     praise(e), ""});
  } else {
    all.push_back({note, "The codes could not be judged", "there are no held-out figures", ""});
  }
  std::ranges::stable_sort(all, {}, [](const Verdict& v) { return v.severity == good ? note : v.severity; });
  // Praise stands before the notes that go with it.
  std::ranges::stable_partition(all, [](const Verdict& v) { return v.severity != note; });
  return all;
}

const char* severity_text(Verdict::Severity severity) {
  return severity == bad ? "bad" : severity == warning ? "warning" : severity == note ? "note" : "good";
}

nlohmann::ordered_json verdicts_json(const std::vector<Verdict>& verdicts) {
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const Verdict& v : verdicts)
    all.push_back(
        {{"severity", severity_text(v.severity)}, {"title", v.title}, {"evidence", v.evidence}, {"advice", v.advice}});
  return all;
}

std::string verdicts_text(const std::vector<Verdict>& verdicts) {
  constexpr std::size_t width = 116;
  std::string out;
  // Words of a text on lines of their own, behind an indent.
  const auto add = [&](const std::string& text) {
    std::string rest = escape_text(text, 4096);
    while (!rest.empty()) {
      std::size_t cut = rest.size() <= width ? rest.size() : rest.rfind(' ', width);
      if (cut == std::string::npos || cut == 0) cut = std::min(rest.find(' ', 1), rest.size());
      out += "    " + rest.substr(0, cut) + "\n";
      rest.erase(
          0, rest.find_first_not_of(' ', cut) == std::string::npos ? rest.size() : rest.find_first_not_of(' ', cut));
    }
  };
  for (const Verdict& v : verdicts) {
    out += pad(severity_text(v.severity), 9) + escape_text(v.title, 512) + "\n";
    add(v.evidence);
    if (!v.advice.empty()) add("Try: " + v.advice);
  }
  return out;
}

}  // namespace triptych::app
