#include <algorithm>
#include <cmath>

#include "app/report_content.h"
#include "app/report_html.h"
#include "app/terminal.h"
#include "core/error.h"

namespace triptych::app {
namespace {

using Content = ReportContent;

std::string duration(double seconds) {
  const auto s = static_cast<std::int64_t>(std::lround(seconds));
  if (s < 60) return std::to_string(s) + " s";
  return s < 3600 ? std::to_string(s / 60) + " min " + std::to_string(s % 60) + " s"
                  : std::to_string(s / 3600) + " h " + std::to_string(s / 60 % 60) + " min";
}

std::string percent_of(const std::vector<double>& values, std::size_t i) { return percent_text(values[i]); }

std::string heading(const std::string& title, const std::string& words) {
  return "<h2>" + title + "</h2>\n<p class=\"soft\">" + words + "</p>\n";
}

// The colour of a code: shared ones have one, the private ones of two modalities theirs.
std::string tone(const Content& c, const std::string& code) {
  for (std::size_t m = 0; m < c.modalities.size(); ++m)
    if (code == "private." + c.modalities[m]) return m % 2 == 0 ? "tone-0" : "tone-1";
  return "tone-shared";
}

std::string introduction(const Content& c) {
  std::string out =
      "<div class=\"brand\"><svg viewBox=\"0 0 34 22\" aria-hidden=\"true\"><rect x=\"0\" y=\"3\" width=\"9\" "
      "height=\"16\" "
      "rx=\"2\" fill=\"var(--first)\"/><rect x=\"11\" width=\"12\" height=\"22\" rx=\"2\" "
      "fill=\"var(--shared)\"/><rect "
      "x=\"25\" y=\"3\" width=\"9\" height=\"16\" rx=\"2\" fill=\"var(--second)\"/></svg>Triptych report</div>\n";
  out += "<h1>" + html_text(c.run) + "</h1>\n<p class=\"lead\">A <b>" + html_text(stack_text(c.config.model.scheme)) +
         "</b> model of " + grouped_text(c.parameters) + " parameters, trained on " + html_text(c.data) + ": " +
         grouped_text(c.step) + (c.step == c.config.train.steps ? "" : " of " + grouped_text(c.config.train.steps)) +
         " steps" + (c.config.train.batch > 0 ? " of " + grouped_text(c.config.train.batch) + " items" : "") +
         (c.seconds > 0 ? " in " + duration(c.seconds) : "") + ".</p>\n";
  if (c.step < c.config.train.steps)
    out += "<p class=\"note\">Training is not finished: these are the figures of its newest checkpoint.</p>\n";
  for (const std::string& n : c.notices) out += "<p class=\"note\">" + html_text(n) + "</p>\n";
  return out;
}

std::string tiles(const Evaluation& e) {
  std::string out = "<div class=\"tiles\">\n";
  for (std::size_t i = 0; i < e.k.size(); ++i)
    out += "<div class=\"card tile\"><b>" + percent_of(e.recall, i) + "</b>match " +
           (e.k[i] == 1 ? std::string("found first") : "among the first " + std::to_string(e.k[i])) + "<span>chance " +
           percent_of(e.chance, i) + "</span></div>\n";
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
std::string findings(const Evaluation& e) {
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

std::string retrieval(const Evaluation& e) {
  std::string out =
      heading("Retrieval", "Every held-out item looks for its match among all " + grouped_text(e.test_items) +
                               ", by the cosine of the shared codes; averaged over every pair of views. "
                               "Good: far above chance.");
  out += "<div class=\"card scroll\"><table><tr><th>from → to</th>";
  for (const auto k : e.k) out += "<th>recall@" + std::to_string(k) + "</th>";
  out += "</tr>\n";
  const auto row = [&](const std::string& name, const std::vector<double>& values, const char* style) {
    out += std::string("<tr") + style + "><td>" + name + "</td>";
    for (std::size_t i = 0; i < values.size(); ++i) out += "<td>" + percent_of(values, i) + "</td>";
    out += "</tr>\n";
  };
  for (const Retrieval& r : e.directions) row(html_text(r.from) + " → " + html_text(r.to), r.recall, "");
  row("mean", e.recall, " class=\"total\"");
  row("<span class=\"soft\">chance</span>", e.chance, "");
  return out + "</table></div>\n";
}

std::string shown(const Shown& s) {
  std::string out;
  if (!s.picture.empty()) return "<img alt=\"" + html_text(s.gloss) + "\" src=\"" + s.picture + "\">";
  out = html_text(s.text);
  if (!s.gloss.empty()) out += "<br><span class=\"soft small\">" + html_text(s.gloss) + "</span>";
  return out;
}

std::string example(const RetrievalExample& e) {
  std::string out = "<div class=\"example\"><div class=\"query\"><span>" + shown(e.query) +
                    "</span><span class=\"soft small\">" + html_text(e.from) + " → " + html_text(e.to) +
                    "</span></div>\n<ol class=\"found\">\n";
  for (std::size_t i = 0; i < e.nearest.size(); ++i) {
    const auto& f = e.nearest[i];
    out += std::string("<li") + (f.match ? " class=\"match\"" : "") + "><span class=\"mark\">" +
           (f.match ? "✓ match" : std::to_string(i + 1)) + " · " + fixed_text(f.score, 2) + "</span>" + shown(f.shown) +
           "</li>\n";
  }
  if (e.rank > std::ssize(e.nearest))
    out += "<li class=\"truth\"><span class=\"mark\">match: rank " + grouped_text(e.rank) + "</span>" + shown(e.truth) +
           "</li>\n";
  return out + "</ol></div>\n";
}

std::string examples(const Content& c) {
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

// The three panels: a private code, what is shared, a private code.
std::string panels(const Content& c) {
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

std::string similarity(const Content& c) {
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

std::string curves(const Content& c) {
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

std::string origin(const Content& c) {
  const std::string run = html_text(c.run);
  std::string out = heading("Where this comes from",
                            "Any change of settings, data or seed is another run; the number of threads is "
                            "not: every number here is the same for any.");
  out += "<div class=\"card scroll\"><table><tr><td>program</td><td class=\"left\">triptych " TRIPTYCH_VERSION
         "</td></tr>\n";
  out += "<tr><td>data</td><td class=\"left\">" + html_text(c.data) + "</td></tr>\n";
  out += "<tr><td>fingerprint of the data</td><td class=\"left\"><code>" + html_text(c.fingerprint) +
         "</code></td></tr>\n";
  out += "<tr><td>checkpoint</td><td class=\"left\">step " + grouped_text(c.step) + "</td></tr>\n";
  out += "<tr><td>seed</td><td class=\"left\">" + std::to_string(c.config.train.seed) + "</td></tr></table></div>\n";
  out += "<h3 style=\"margin-top:22px\">Do it again</h3>\n<pre>triptych train --config " + run +
         "/config.toml --out runs/again\n" + "triptych eval " + run + " --json\ntriptych encode " + run +
         " --out codes.safetensors\ntriptych report " + run + "</pre>\n";
  out += "<details><summary>All settings (config.toml)</summary><pre>";
  std::string toml = to_toml(c.config);
  for (std::size_t at = 0; at < toml.size();) {  // line by line: a line feed is the one control character to keep
    const std::size_t end = std::min(toml.find('\n', at), toml.size());
    out += html_text(toml.substr(at, end - at)) + "\n";
    at = end + 1;
  }
  return out + "</pre></details>\n";
}

}  // namespace

std::string report_html(const Content& c) {
  std::string body = "<main>\n" + introduction(c);
  if (c.evaluation) {
    body += tiles(*c.evaluation) + findings(*c.evaluation) + panels(c) + examples(c) + retrieval(*c.evaluation) +
            similarity(c);
  } else {
    body += "<p class=\"note\">The data holds out no items, so there are no figures to judge the model by.</p>\n";
  }
  body += curves(c) + origin(c);
  body +=
      "<footer>Every figure but the training curves is on held-out data. This page holds all it shows: it needs no "
      "network and no "
      "scripts.</footer>\n";
  return html_page(c.run + " · Triptych report", body + "</main>\n");
}

}  // namespace triptych::app
