#include <algorithm>

#include "app/report_chart.h"
#include "app/report_heat.h"
#include "app/report_html.h"
#include "app/report_sections.h"

namespace triptych::app {
namespace {

using Wanted = HeatMap::Wanted;

std::vector<std::string> code_names(const ReportContent& c) {
  std::vector<std::string> all;
  for (const char* kind : {"private.", "shared."})
    for (const std::string& m : c.modalities) all.push_back(kind + m);
  return all;
}

HeatMap similarities(const ReportContent& c) {
  const std::vector<std::string> codes = code_names(c);
  HeatMap map("CKA of every code with every code", codes, codes);
  for (const std::string& code : codes) map.at(code, code) = {1.0, Wanted::open, ""};
  for (const Similarity& s : c.evaluation->cka)
    map.at(s.a, s.b) = map.at(s.b, s.a) = {s.value, s.wanted ? Wanted::high : Wanted::low,
                                           "undefined: a constant code, or fewer than 4 items"};
  return map;
}

// What is there beyond guessing, as a share of what is possible.
std::optional<double> beyond_chance(const Probe& p) {
  if (p.chance >= 1) return std::nullopt;
  return std::max(0.0, (p.value - p.chance) / (1 - p.chance));
}

HeatMap information(const ReportContent& c) {
  std::vector<std::string> factors;
  const auto add = [&](const std::string& f) {
    if (std::ranges::find(factors, f) == factors.end()) factors.push_back(f);
  };
  for (const Probe& p : c.evaluation->probes) add(p.factor);
  for (const Leak& l : c.evaluation->leakage) add(l.of);
  HeatMap map("Information in every code about every factor, beyond chance", code_names(c), factors);
  for (HeatMap::Cell& cell : map.cells) cell.absent = "not measured: the modality's items have no such factor";
  for (const Leak& l : c.evaluation->leakage)
    map.at(l.code, l.of) = {l.value, Wanted::low, "undefined: the code is constant, or chance is 1"};
  for (const Probe& p : c.evaluation->probes)
    map.at(p.code, p.factor) = {beyond_chance(p),
                                !p.wanted   ? Wanted::open
                                : *p.wanted ? Wanted::high
                                            : Wanted::low,
                                "undefined: chance is 1"};
  return map;
}

}  // namespace

std::string similarity_section(const ReportContent& c) {
  std::string out = heading("Which codes agree, and what they know",
                            "On held-out items. The picture to expect: colour in the framed cells, none elsewhere.");
  out += subheading("Similarity",
                    "CKA (linear, debiased) is 1 for codes that agree up to rotation and about 0 for unrelated ones. "
                    "Shared codes should agree across modalities; private codes with nothing but themselves.") +
         heat_table(similarities(c));
  const HeatMap known = information(c);
  if (!known.columns.empty())
    out += subheading("Information",
                      "What a linear probe reads from a code beyond guessing, from 0 to 1: (accuracy - chance) / (1 - "
                      "chance), or R². Outside the frames it is leakage. “Other modalities” is the share of a "
                      "private code that moves when the others are taken away.") +
           heat_table(known);
  out += subheading("Width", "The effective rank counts the directions that a code uses; near 1 it has collapsed.") +
         "<div class=\"card\"><table class=\"bars\">";
  for (const Rank& r : c.evaluation->ranks)
    out +=
        "<tr class=\"" + tone(c, r.code) + "\"><td>" + html_text(r.code) + "</td><td>" +
        bar(r.value.value_or(0) / static_cast<double>(std::max<std::int64_t>(1, r.width)), -1, true, "effective rank") +
        "</td><td>" + (r.value ? fixed_text(*r.value, 1) : "undefined") + " of " + std::to_string(r.width) +
        "</td></tr>\n";
  return out + "</table></div>\n";
}

}  // namespace triptych::app
