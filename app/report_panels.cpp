#include "app/report_chart.h"
#include "app/report_html.h"
#include "app/report_sections.h"

namespace triptych::app {
namespace {

std::string probe_bar(const Probe& p, bool with_code) {
  const std::string words = html_text(p.factor) + (p.metric == "r2" ? ", R²" : "") +
                            (with_code ? " <span class=\"soft\">from " + html_text(p.code) + "</span>" : "");
  return "<div class=\"bar\"><div class=\"what\"><span>" + words + "</span><b>" + percent_text(p.value) + "</b></div>" +
         bar(p.value, p.chance, p.wanted.value_or(true), p.factor + " from " + p.code + ": " + percent_text(p.value)) +
         "<div class=\"soft small\">" +
         (!p.wanted   ? "the task's label"
          : *p.wanted ? "should be long"
                      : "should end at the mark") +
         " · chance " + percent_text(p.chance) + "</div></div>\n";
}

}  // namespace

// The three panels: a private code, what is shared, a private code.
std::string panels_section(const ReportContent& c) {
  const Evaluation& e = *c.evaluation;
  if (e.probes.empty()) return "";
  std::string out =
      heading("What each code knows",
              "Linear probes, fitted on the codes of training items and scored on held-out ones. The mark in a bar is "
              "the chance level. A pale bar is a factor that the code should not hold: it should end at the mark.");
  std::vector<std::string> order;
  for (const std::string& m : c.modalities) order.push_back("private." + m);
  order.insert(order.begin() + 1, "shared.");
  out += "<div class=\"panels\">\n";
  for (const std::string& code : order) {
    const bool shared = code == "shared.";
    std::string bars;
    for (const Probe& p : e.probes)
      if (shared ? p.code.starts_with(code) : p.code == code) bars += probe_bar(p, shared);
    out += "<section class=\"card panel " + tone(c, code) + "\"><h3>" +
           (shared ? "shared" : html_text(code.substr(8)) + ", private") + "</h3>\n" +
           (bars.empty() ? "<p class=\"soft\">no labelled factor</p>" : bars) + "</section>\n";
  }
  return out + "</div>\n";
}

}  // namespace triptych::app
