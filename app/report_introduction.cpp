#include <cmath>

#include "app/report_html.h"
#include "app/report_sections.h"

namespace triptych::app {

std::string duration_text(double seconds) {
  const auto s = static_cast<std::int64_t>(std::lround(seconds));
  if (s < 60) return std::to_string(s) + " s";
  return s < 3600 ? std::to_string(s / 60) + " min " + std::to_string(s % 60) + " s"
                  : std::to_string(s / 3600) + " h " + std::to_string(s / 60 % 60) + " min";
}

std::string brand(const std::string& words) {
  return "<div class=\"brand\"><svg viewBox=\"0 0 34 22\" aria-hidden=\"true\"><rect x=\"0\" y=\"3\" width=\"9\" "
         "height=\"16\" rx=\"2\" fill=\"var(--first)\"/><rect x=\"11\" width=\"12\" height=\"22\" rx=\"2\" "
         "fill=\"var(--shared)\"/><rect x=\"25\" y=\"3\" width=\"9\" height=\"16\" rx=\"2\" "
         "fill=\"var(--second)\"/></svg>" +
         words + "</div>\n";
}

std::string introduction_section(const ReportContent& c) {
  std::string out = brand("Triptych report");
  out += "<h1>" + html_text(c.run) + "</h1>\n<p class=\"lead\">A <b>" + html_text(stack_text(c.config.model.scheme)) +
         "</b> model" + (c.parameters > 0 ? " of " + grouped_text(c.parameters) + " parameters" : "") +
         ", trained on " + html_text(c.data) + ": " + grouped_text(c.step) +
         (c.step == c.config.train.steps ? "" : " of " + grouped_text(c.config.train.steps)) + " steps" +
         (c.config.train.batch > 0 ? " of " + grouped_text(c.config.train.batch) + " items" : "") +
         (c.seconds > 0 ? " in " + duration_text(c.seconds) : "") + ".</p>\n";
  if (c.refresh_after > 0)
    out += "<p class=\"note live\">Training goes on: this page loads itself again every " +
           std::to_string(c.refresh_after) + " seconds. The figures of the model come when it ends.</p>\n";
  else if (c.evaluation && c.step < c.config.train.steps)
    out += "<p class=\"note\">Training is not finished: these are the figures of its newest checkpoint.</p>\n";
  for (const std::string& n : c.notices) out += "<p class=\"note\">" + html_text(n) + "</p>\n";
  return out;
}

}  // namespace triptych::app
