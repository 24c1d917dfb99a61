#include "app/report_chart.h"
#include "app/report_html.h"
#include "app/report_sections.h"

namespace triptych::app {

std::string curves_section(const ReportContent& c) {
  const TrainingSeries& s = c.series;
  std::string out = heading("Training",
                            "The objective and each of its terms (before their weights), then the bridge gate, which "
                            "lets the shared code learn after the private ones, the learning rate and the norm of "
                            "the gradient.");
  out += "<div class=\"charts\">\n" + chart(s.loss.value_or(Series{"loss", {}, {}}));
  for (const Series& one : s.terms) out += chart(one);
  for (const Series& one : s.others) out += chart(one);
  return out + "</div>\n";
}

}  // namespace triptych::app
