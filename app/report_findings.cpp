#include <algorithm>

#include "app/report_html.h"
#include "app/report_sections.h"

namespace triptych::app {
namespace {

std::string tiles(const Evaluation& e) {
  std::string out = "<div class=\"tiles\">\n";
  for (std::size_t i = 0; i < e.k.size(); ++i)
    out += "<div class=\"card tile\"><b>" + percent_text(e.recall[i]) + "</b>match " +
           (e.k[i] == 1 ? std::string("found first") : "among the first " + std::to_string(e.k[i])) + "<span>chance " +
           percent_text(e.chance[i]) + "</span></div>\n";
  return out + "</div>\n";
}

// "language 99.1 % (chance 10.0 %), style 93.0 % (chance 33.3 %)": the probes of one side and kind; and how far the
// least and the most of them are above chance, as a share of what is possible.
struct Readings {
  std::string list;
  double least = 1, most = 0;
};
Readings readings(const Evaluation& e, std::string_view side, bool wanted) {
  Readings r;
  for (const Probe& p : e.probes) {
    if (!p.code.starts_with(side) || p.wanted != wanted) continue;
    const double margin = p.chance < 1 ? std::max(0.0, (p.value - p.chance) / (1 - p.chance)) : 0;
    r.least = std::min(r.least, margin);
    r.most = std::max(r.most, margin);
    r.list += (r.list.empty() ? "" : ", ") + html_text(p.factor) + " from " + html_text(p.code.substr(side.size())) +
              " " + percent_text(p.value) + " (chance " + percent_text(p.chance) + ")";
  }
  return r;
}

// A plain sentence a finding.
std::string sentences(const Evaluation& e) {
  std::string out = "<ul class=\"plain\">\n";
  const double gain = e.chance[0] > 0 ? e.recall[0] / e.chance[0] : 0;
  out += "<li>The shared code puts the right match first <b>" + fixed_text(gain, gain < 10 ? 1 : 0) +
         " times</b> as often as guessing, on " + grouped_text(e.test_items) + " items never seen in training.</li>\n";
  const auto sentence = [&](const Readings& r, const std::string& verdict) {
    if (!r.list.empty()) out += "<li>" + verdict + ": " + r.list + ".</li>\n";
  };
  const Readings kept = readings(e, "private.", true), leaked = readings(e, "shared.", false);
  const Readings common = readings(e, "shared.", true), strayed = readings(e, "private.", false);
  sentence(kept, kept.least > 0.8   ? "The private codes <b>hold</b> what is private"
                 : kept.least > 0.4 ? "The private codes hold what is private <b>in part</b>"
                                    : "The private codes <b>hardly hold</b> what is private");
  sentence(leaked, leaked.most < 0.1   ? "The shared codes give away <b>almost nothing</b> of it"
                   : leaked.most < 0.3 ? "The shared codes still give away <b>some</b> of it"
                                       : "The shared codes still give away <b>much</b> of it");
  sentence(common, common.least > 0.3 ? "The shared codes <b>know</b> what is shared"
                                      : "The shared codes know <b>little</b> of what is shared");
  sentence(strayed, strayed.most < 0.1   ? "The private codes know <b>almost nothing</b> of it"
                    : strayed.most < 0.3 ? "The private codes know <b>some</b> of it, too"
                                         : "The private codes know <b>much</b> of it, too");
  if (e.tied > 0.01)
    out += "<li><b>Careful:</b> " + percent_text(e.tied) +
           " of the matches tie with another item, which flatters the retrieval figures.</li>\n";
  return out + "</ul>\n";
}

}  // namespace

std::string findings_section(const ReportContent& c) { return tiles(*c.evaluation) + sentences(*c.evaluation); }

}  // namespace triptych::app
