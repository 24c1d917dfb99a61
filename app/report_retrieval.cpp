#include "app/report_html.h"
#include "app/report_sections.h"

namespace triptych::app {

std::string shown_html(const Shown& s) {
  std::string out;
  if (!s.picture.empty()) return "<img alt=\"" + html_text(s.gloss) + "\" src=\"" + s.picture + "\">";
  out = "<bdi>" + html_text(s.text) + "</bdi>";
  if (!s.gloss.empty()) out += "<br><span class=\"soft small\">" + html_text(s.gloss) + "</span>";
  return out;
}

namespace {

std::string example(const RetrievalExample& e) {
  std::string out = "<div class=\"example\"><div class=\"query\"><span>" + shown_html(e.query) +
                    "</span><span class=\"soft small\">" + html_text(e.from) + " → " + html_text(e.to) +
                    "</span></div>\n<ol class=\"found\">\n";
  for (std::size_t i = 0; i < e.nearest.size(); ++i) {
    const auto& f = e.nearest[i];
    out += std::string("<li") + (f.match ? " class=\"match\"" : "") + "><span class=\"mark\">" +
           (f.match ? "✓ match" : std::to_string(i + 1)) + " · " + fixed_text(f.score, 2) + "</span>" +
           shown_html(f.shown) + "</li>\n";
  }
  if (e.rank > std::ssize(e.nearest))
    out += "<li class=\"truth\"><span class=\"mark\">match: rank " + grouped_text(e.rank) + "</span>" +
           shown_html(e.truth) + "</li>\n";
  return out + "</ol></div>\n";
}

}  // namespace

std::string examples_section(const ReportContent& c) {
  if (c.examples.empty()) return "";
  std::string out =
      heading("Retrieval, seen",
              "Held-out items, evenly spaced through the data and not picked for their result; each with the five "
              "nearest by shared code and their cosine. The true match has a green frame; where it is not among "
              "the five it stands last, dashed, with its rank among all " +
                  grouped_text(c.examples.front().n) + ".");
  out += "<div class=\"card\">\n";
  for (const RetrievalExample& e : c.examples) out += example(e);
  return out + "</div>\n";
}

std::string retrieval_section(const ReportContent& c) {
  const Evaluation& e = *c.evaluation;
  std::string out =
      heading("Retrieval", "Every held-out item looks for its match among all " + grouped_text(e.test_items) +
                               ", by the cosine of the shared codes; averaged over every pair of views. "
                               "Good: far above chance.");
  out += scroll_start("retrieval", "card") + "<table><tr><th>from → to</th>";
  for (const auto k : e.k) out += "<th>recall@" + std::to_string(k) + "</th>";
  out += "</tr>\n";
  const auto row = [&](const std::string& name, const std::vector<double>& values, const char* style) {
    out += std::string("<tr") + style + "><td>" + name + "</td>";
    for (std::size_t i = 0; i < values.size(); ++i) out += "<td>" + percent_text(values[i]) + "</td>";
    out += "</tr>\n";
  };
  for (const Retrieval& r : e.directions) row(html_text(r.from) + " → " + html_text(r.to), r.recall, "");
  row("mean", e.recall, " class=\"total\"");
  row("<span class=\"soft\">chance</span>", e.chance, "");
  return out + "</table>" + std::string(scroll_end);
}

}  // namespace triptych::app
