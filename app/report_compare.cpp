#include <algorithm>

#include "app/config_fields.h"
#include "app/config_objective.h"
#include "app/report.h"
#include "app/report_chart.h"
#include "app/report_html.h"
#include "app/report_sections.h"
#include "core/error.h"

namespace triptych::app {
namespace {

using Runs = std::vector<ReportContent>;

// Rows of texts, a column for every run. A text is "" where the run has nothing of the kind.
struct Rows {
  std::size_t runs;
  std::vector<std::pair<std::string, std::vector<std::string>>> all = {};

  void set(const std::string& name, std::size_t run, std::string text) {
    auto at = std::ranges::find(all, name, &std::pair<std::string, std::vector<std::string>>::first);
    if (at == all.end()) at = all.insert(at, {name, std::vector<std::string>(runs)});
    at->second[run] = std::move(text);
  }
};

std::string key_of(std::size_t run) {
  return "<svg class=\"run-key\" viewBox=\"0 0 26 8\" aria-hidden=\"true\"><line class=\"curve c" +
         std::to_string(run) + "\" x1=\"0\" y1=\"4\" x2=\"26\" y2=\"4\"/></svg>";
}

std::string table(const std::string& name, const Runs& runs, const Rows& rows) {
  std::string out = scroll_start(name, "card") + "<table><tr><td></td>";
  for (std::size_t i = 0; i < runs.size(); ++i)
    out += "<th scope=\"col\">" + key_of(i) + "<br>" + html_text(runs[i].run) + "</th>";
  out += "</tr>\n";
  for (const auto& [row, texts] : rows.all) {
    out += "<tr><th scope=\"row\">" + html_text(row) + "</th>";
    for (const std::string& t : texts) out += "<td>" + (t.empty() ? "–" : html_text(t)) + "</td>";
    out += "</tr>\n";
  }
  return out + "</table>" + std::string(scroll_end);
}

std::string fraction(const std::optional<double>& v) { return v ? fixed_text(*v, 2) : "undefined"; }

std::string figures(const Runs& runs) {
  Rows rows{runs.size()};
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const ReportContent& c = runs[i];
    rows.set("steps", i, grouped_text(c.step));
    if (c.parameters > 0) rows.set("parameters", i, grouped_text(c.parameters));
    if (c.seconds > 0) rows.set("training", i, duration_text(c.seconds));
    if (const Series* loss = c.series.find("loss")) rows.set("last loss", i, fixed_text(loss->value.back(), 4));
    if (!c.evaluation) continue;
    const Evaluation& e = *c.evaluation;
    for (std::size_t k = 0; k < e.k.size(); ++k)
      rows.set("recall@" + std::to_string(e.k[k]), i,
               percent_text(e.recall[k]) + " (chance " + percent_text(e.chance[k]) + ")");
    for (const Probe& p : e.probes)
      rows.set(p.factor + " from " + p.code + (p.metric == "r2" ? ", R²" : "") +
                   (!p.wanted   ? ""
                    : *p.wanted ? " (should be high)"
                                : " (should be at chance)"),
               i, percent_text(p.value) + " (chance " + percent_text(p.chance) + ")");
    for (const Leak& l : e.leakage) rows.set("leakage of " + l.of + " into " + l.code, i, fraction(l.value));
    for (const Similarity& s : e.cka)
      rows.set("CKA " + s.a + ", " + s.b + (s.wanted ? " (should be high)" : " (should be near 0)"), i,
               fraction(s.value));
    for (const Rank& r : e.ranks)
      rows.set("effective rank of " + r.code, i,
               (r.value ? fixed_text(*r.value, 1) : "undefined") + " of " + std::to_string(r.width));
  }
  return heading("Figures", "On held-out data, as in the report of each run.") + table("figures", runs, rows);
}

std::string settings(const Runs& runs) {
  Rows rows{runs.size()};
  const auto add = [&](const std::string& name, const auto& text) {
    std::vector<std::string> texts;
    for (const ReportContent& c : runs) texts.push_back(text(c));
    if (std::ranges::adjacent_find(texts, std::not_equal_to<>()) != texts.end()) rows.all.emplace_back(name, texts);
  };
  for (const Field& f : config_fields())
    if (f.key != "train.threads")
      add(std::string(f.key), [&](const ReportContent& c) { return value_text(f, c.config); });
  std::vector<std::string> terms;
  for (const ReportContent& c : runs)
    for (const TermConfig& t : c.config.model.objective)
      if (std::ranges::find(terms, t.name) == terms.end()) terms.push_back(t.name);
  for (const std::string& name : terms)
    add("objective " + name, [&](const ReportContent& c) {
      const auto at = std::ranges::find(c.config.model.objective, name, &TermConfig::name);
      std::string text = at == c.config.model.objective.end() ? "" : to_toml(*at);
      text.erase(0, std::min(text.size(), text.find('\n') + 1));  // [[objective]]
      while (text.ends_with('\n')) text.pop_back();
      for (std::size_t line; (line = text.find('\n')) != std::string::npos;) text.replace(line, 1, ", ");
      return text;
    });
  add("fingerprint of the data", [](const ReportContent& c) { return c.fingerprint; });
  return heading("What differs in their settings", "All else is the same, but for the number of threads.") +
         (rows.all.empty() ? "<p class=\"note\">Nothing: these are runs of one config on the same data.</p>\n"
                           : table("settings that differ", runs, rows));
}

std::string overlaid(const Runs& runs) {
  constexpr std::size_t most_points = 150'000;  // of the page: about 2 MB
  std::vector<std::string> names;
  std::size_t curves = 0;
  for (const ReportContent& c : runs)
    for (const Series& s : c.series.all) {
      ++curves;
      if (std::ranges::find(names, s.name) == names.end()) names.push_back(s.name);
    }
  const std::size_t points = std::clamp<std::size_t>(most_points / std::max<std::size_t>(1, curves), 40, 600);
  std::string out = heading("Training", "Every curve that was logged, the runs on top of each other.");
  if (names.empty()) return out + "<p class=\"note\">Nothing was logged.</p>\n";
  out += "<div class=\"charts\">\n";
  for (const std::string& name : names) {
    std::vector<Curve> of;
    static const Series nothing;
    for (const ReportContent& c : runs) {
      const Series* s = c.series.find(name);
      of.push_back({c.run, s ? s : &nothing});  // keeps the colours of the runs
    }
    out += chart(name, of, {}, points);
  }
  return out + "</div>\n";
}

}  // namespace

std::string compare_html(const Runs& runs) {
  if (runs.size() > most_curves)
    throw Error(Exit::usage, "report.runs",
                std::to_string(runs.size()) + " runs, expected at most " + std::to_string(most_curves) +
                    ": more curves cannot be told apart");
  std::string body = "<main>\n" + brand("Triptych comparison") + "<h1>" + std::to_string(runs.size()) +
                     " runs compared</h1>\n<ul class=\"runs\">";
  for (std::size_t i = 0; i < runs.size(); ++i)
    body += "<li>" + key_of(i) + " <b>" + html_text(runs[i].run) + "</b> <span class=\"soft\">" +
            html_text(stack_text(runs[i].config.model.scheme)) + ", " + html_text(runs[i].data) + "</span></li>\n";
  body += "</ul>\n";
  for (const ReportContent& c : runs) {
    if (!c.unjudged.empty())
      body +=
          "<p class=\"note\">" + html_text(c.run) + ": no figures of the model: " + html_text(c.unjudged) + "</p>\n";
    for (const std::string& n : c.notices)
      body += "<p class=\"note\">" + html_text(c.run) + ": " + html_text(n) + "</p>\n";
  }
  const std::string sections = figures(runs) + settings(runs) + overlaid(runs);
  body += contents_of(sections) + sections +
          "<footer>This page holds all it shows: it needs no network and no scripts.</footer>\n";
  return html_page("Triptych comparison", body + "</main>\n");
}

}  // namespace triptych::app
