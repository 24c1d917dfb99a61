#include "app/report_html.h"
#include "app/report_sections.h"

namespace triptych::app {

std::string verdict_section(const ReportContent& c) {
  if (c.verdicts.empty()) return "";
  std::string out = heading("Verdict", "What is wrong, by which figures, and what to try.");
  for (const Verdict& v : c.verdicts) {
    const bool accused = v.severity < Verdict::Severity::note;
    out += std::string("<div class=\"") + (accused ? "note" : "card") + "\"><b>" + html_text(v.title) +
           "</b> <span class=\"soft small\">" + severity_text(v.severity) + "</span><br>\n" + html_text(v.evidence);
    if (!v.advice.empty()) out += "<br>\n<span class=\"soft\">Try: " + html_text(v.advice) + "</span>";
    out += "</div>\n";
  }
  return out;
}

}  // namespace triptych::app
