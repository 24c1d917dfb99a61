#include <algorithm>

#include "app/report_chart.h"
#include "app/report_html.h"
#include "app/report_sections.h"

namespace triptych::app {

std::string similarity_section(const ReportContent& c) {
  const Evaluation& e = *c.evaluation;
  std::string out =
      heading("Similarity, leakage and width of the codes",
              "CKA (linear, debiased) is 1 for codes that agree up to rotation and about 0 for unrelated ones. "
              "Leakage is the share of what should be absent. The effective rank counts the directions that a code "
              "uses; near 1 it has collapsed.");
  out += "<div class=\"panels\">\n<div class=\"card\"><h3>CKA</h3><table class=\"bars\">";
  for (const Similarity& s : e.cka)
    out += "<tr class=\"" + (s.wanted ? tone(c, s.a) : std::string("tone-0")) + "\"><td>" + html_text(s.a) + "<br>" +
           html_text(s.b) + "<br><span class=\"soft small\">" + (s.wanted ? "should be high" : "should be near 0") +
           "</span></td><td>" + bar(s.value.value_or(0), -1, s.wanted, "CKA") + "</td><td>" +
           (s.value ? fixed_text(*s.value, 2) : "undefined") + "</td></tr>\n";
  out += "</table></div>\n<div class=\"card\"><h3>Leakage</h3><table class=\"bars\">";
  for (const Leak& l : e.leakage)
    out += "<tr class=\"" + tone(c, l.code) + "\"><td>" + html_text(l.of) + "<br><span class=\"soft small\">in " +
           html_text(l.code) + "</span></td><td>" + bar(l.value.value_or(0), -1, false, "leakage") + "</td><td>" +
           (l.value ? fixed_text(*l.value, 2) : "undefined") + "</td></tr>\n";
  if (e.leakage.empty()) out += "<tr><td class=\"soft\">nothing to measure it with</td></tr>";
  out += "</table></div>\n<div class=\"card\"><h3>Effective rank</h3><table class=\"bars\">";
  for (const Rank& r : e.ranks)
    out +=
        "<tr class=\"" + tone(c, r.code) + "\"><td>" + html_text(r.code) + "</td><td>" +
        bar(r.value.value_or(0) / static_cast<double>(std::max<std::int64_t>(1, r.width)), -1, true, "effective rank") +
        "</td><td>" + (r.value ? fixed_text(*r.value, 1) : "undefined") + " of " + std::to_string(r.width) +
        "</td></tr>\n";
  return out + "</table></div>\n</div>\n";
}

}  // namespace triptych::app
