#include "app/report_html.h"
#include "app/report_sections.h"

namespace triptych::app {

std::string tone(const ReportContent& c, const std::string& code) {
  for (std::size_t m = 0; m < c.modalities.size(); ++m)
    if (code == "private." + c.modalities[m]) return m % 2 == 0 ? "tone-0" : "tone-1";
  return "tone-shared";
}

std::string report_html(const ReportContent& c) {
  std::string body = verdict_section(c);
  if (c.evaluation)
    body += findings_section(c) + panels_section(c) + similarity_section(c) + scatter_section(c) + examples_section(c) +
            swaps_section(c) + attention_section(c) + retrieval_section(c);
  else if (!c.unjudged.empty())
    body += "<p class=\"note\">No figures of the model: " + html_text(c.unjudged) + "</p>\n";
  body += curves_section(c) + origin_section(c);
  body +=
      "<footer>Every figure but the training curves, and what the verdict says of training, is on held-out data. This "
      "page holds all it shows: it needs no "
      "network and no scripts.</footer>\n";
  return html_page(c.run + " · Triptych report",
                   "<main>\n" + introduction_section(c) + contents_of(body) + body + "</main>\n", c.refresh_after);
}

}  // namespace triptych::app
