#include <algorithm>
#include <array>
#include <map>

#include "app/report_chart.h"
#include "app/report_html.h"
#include "app/report_sections.h"

namespace triptych::app {
namespace {

struct Topic {
  const char* title;
  const char* words;
  std::vector<std::string_view> names;  // what the names of its series begin with
};

const std::array<Topic, 4> topics = {
    {{"Losses",
      "The objective and each of its terms, before their weights. Good: falling, then level. A term that rises while "
      "the loss falls is outweighed by the others.",
      {"loss", "terms"}},
     {"Curriculum",
      "The bridge gate g lets the shared code learn after the private ones. The weights of the terms: those that align "
      "(alpha) grow with g, those that take apart (beta) may fall. The learning rate warms up, then falls.",
      {"gate", "weights", "lr", "logit_scale"}},
     {"Gradients",
      "The norm of the whole gradient, and, with gradient surgery, of each loss's own: within a factor of ten of each "
      "other is healthy. A cosine below 0 is a conflict: what helps one loss harms the other.",
      {"gradient_norm", "surgery"}},
     {"Routers",
      "How the tokens spread over the experts. Good: even loads, an entropy that falls but not to 0, nothing dropped, "
      "no "
      "leakage. An expert whose load stays near 0 is dead.",
      {"routing"}}}};

// What a good curve looks like, by a word in the name of its group; the first that fits.
constexpr std::pair<std::string_view, std::string_view> expected[] = {
    {"load", "Expected: about even; near 0 is a dead expert."},
    {"entropy", "Expected: falling, but not to 0."},
    {"dropped", "Expected: near 0."},
    {"cosines", "Below 0: in conflict."},
    {"cka",
     "Expected: a private code high with its own modality and near 0 across; shared codes high across; private with "
     "shared near 0."},
    {"leak", "Expected: near 0."},
    {"probe", "Expected: high where the code should hold the factor, at chance where it should not."},
    {"chance", "What guessing would score."},
    {"rank", "Expected: a fair part of the width; near 1 the code has collapsed."},
    {"recall", "Expected: rising, far above chance."},
};

std::string note_of(const std::string& group) {
  for (const auto& [word, note] : expected)
    if (group.find(word) != std::string::npos) return std::string(note);
  return {};
}

bool begins(const std::string& name, std::string_view first) {
  return name.starts_with(first) && (name.size() == first.size() || name[first.size()] == '/');
}

// Series that share a chart: those that differ in the last part of their name. Losses differ in scale: each its own.
std::string group_of(const std::string& name) {
  const std::size_t slash = name.rfind('/');
  return slash == std::string::npos || begins(name, "terms") ? name : name.substr(0, slash);
}

std::string title_of(const std::string& group, std::size_t part, std::size_t parts) {
  std::string title = group.starts_with("terms/") ? group.substr(6) : group == "gate" ? "gate g" : group;
  for (std::size_t at; (at = title.find('/')) != std::string::npos;) title.replace(at, 1, " › ");
  return parts > 1 ? title + " (" + std::to_string(part + 1) + " of " + std::to_string(parts) + ")" : title;
}

std::string charts(const std::vector<const Series*>& series, std::size_t points) {
  std::vector<std::pair<std::string, std::vector<Curve>>> groups;
  for (const Series* s : series) {
    const std::string group = group_of(s->name);
    auto at = std::ranges::find(groups, group, &std::pair<std::string, std::vector<Curve>>::first);
    if (at == groups.end()) at = groups.insert(at, {group, {}});
    at->second.push_back({s->name == group ? std::string() : s->name.substr(group.size() + 1), s});
  }
  std::string out = "<div class=\"charts\">\n";
  for (const auto& [group, curves] : groups) {
    const std::size_t parts = (curves.size() + most_curves - 1) / most_curves;
    for (std::size_t part = 0; part < parts; ++part) {  // of about equal size
      const std::size_t from = part * curves.size() / parts, to = (part + 1) * curves.size() / parts;
      const auto some = std::span(curves).subspan(from, to - from);
      const std::string title = title_of(group, part, parts);
      out += chart(some.size() == 1 && !some[0].label.empty() ? title + " › " + some[0].label : title, some,
                   note_of(group), points);
    }
  }
  return out + "</div>\n";
}

}  // namespace

std::string curves_section(const ReportContent& c) {
  constexpr std::size_t most_points = 150'000;  // of the page: about 2 MB
  const std::vector<Series>& all = c.series.all;
  const std::size_t points = std::clamp<std::size_t>(most_points / std::max<std::size_t>(1, all.size()), 40, 600);
  std::vector<bool> taken(all.size(), false);
  std::string out = heading("Training", "What was logged while the model learned, step by step.");
  if (c.series.unreadable > 0)
    out += "<p class=\"note\">" + grouped_text(c.series.unreadable) +
           (c.series.unreadable == 1 ? " line of metrics.jsonl is" : " lines of metrics.jsonl are") +
           " no object with a step, as after a crash while writing: left out.</p>\n";
  if (all.empty()) out += "<p class=\"note\">Nothing was logged yet.</p>\n";
  for (const Topic& topic : topics) {
    std::vector<const Series*> of;
    for (std::size_t i = 0; i < all.size(); ++i)
      if (!taken[i] && std::ranges::any_of(topic.names, [&](auto n) { return begins(all[i].name, n); })) {
        taken[i] = true;
        of.push_back(&all[i]);
      }
    if (!of.empty()) out += subheading(topic.title, topic.words) + charts(of, points);
  }
  std::vector<const Series*> monitored;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (!taken[i] && all[i].name != "monitor/items" && all[i].name != "monitor/fitted")  // counts that never change
      monitored.push_back(&all[i]);
  if (!monitored.empty())
    out += subheading("Disentanglement while it trains",
                      "The expected picture: private codes high with their own modality and low across, shared codes "
                      "high across, what should be absent at chance.") +
           charts(monitored, points);
  return out;
}

}  // namespace triptych::app
