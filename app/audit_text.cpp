#include "app/audit_text.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "app/terminal.h"
#include "core/error.h"

namespace triptych::app {
namespace {

using Audits = std::vector<SituationAudit>;

// What one code depends on of one modality, in all situations.
struct Row {
  std::string code, modality;
  bool is_private = false, allowed = false, path = false;
  std::vector<std::optional<double>> jacobian;
  double moved = 0;
  std::string by;
  std::int64_t choices = 0;
  const Dependence* carried = nullptr;  // the first that is seen, if possible one with a way
  std::string where;
  bool seen() const { return carried != nullptr; }
};

std::vector<Row> rows_of(const std::vector<std::string>& modalities, const Audits& audits) {
  std::vector<Row> rows;
  for (const auto& [situation, audit] : audits)
    for (const Dependence& d : audit.dependences) {
      const std::string& modality = modalities[d.modality];
      auto row = std::find_if(rows.begin(), rows.end(),
                              [&](const Row& r) { return r.code == d.code && r.modality == modality; });
      if (row == rows.end())
        row = rows.insert(rows.end(), {.code = d.code, .modality = modality, .jacobian = {}, .by = {}, .where = {}});
      row->is_private = d.is_private;
      row->allowed = d.allowed;
      row->path = row->path || d.path;
      row->jacobian.push_back(d.jacobian);
      if (d.moved > row->moved) row->moved = d.moved, row->by = d.by;
      row->choices = std::max(row->choices, d.choices);
      if (d.seen() && (!row->carried || (row->carried->way.empty() && !d.way.empty())))
        row->carried = &d, row->where = situation.name;
    }
  return rows;
}

std::string verdict(const Row& r) {
  if (r.allowed) return r.seen() ? "its own" : "its own, unread";
  if (!r.seen()) return r.path ? "blind: the path carries nothing" : "blind: no path";
  return r.is_private ? "SEES IT" : "sees it (not private)";
}

std::string table(const std::vector<Row>& rows, const Audits& audits) {
  std::size_t code = 4, modality = 7;
  for (const Row& r : rows) code = std::max(code, r.code.size()), modality = std::max(modality, r.modality.size());
  const auto line = [&](const std::string& a, const std::string& b, const std::string& path,
                        const std::vector<std::string>& numbers, const std::string& moved, const std::string& says) {
    std::string text = pad(a, code) + "  " + pad(b, modality) + "  " + pad(path, 4);
    for (const std::string& n : numbers) text += "  " + pad_left(n, 10);
    text += "  " + pad(moved, 16) + "  " + says;
    text.erase(text.find_last_not_of(' ') + 1);
    return text + "\n";
  };
  std::vector<std::string> heads;
  for (const SituationAudit& a : audits) heads.push_back(a.situation.name);
  std::string text =
      pad("", code + modality + 8) + "  Jacobian norm\n" + line("code", "data of", "path", heads, "moved", "");
  for (const Row& r : rows) {
    std::vector<std::string> numbers;
    for (const std::optional<double>& j : r.jacobian) numbers.push_back(!j ? "-" : *j == 0 ? "0" : short_text(*j));
    text += line(escape_text(r.code), escape_text(r.modality), r.path ? "yes" : "no", numbers,
                 r.moved == 0 ? "0" : short_text(r.moved) + " " + r.by, verdict(r));
  }
  return text;
}

std::string shape_text(const Shape& s) { return s.rank() == 0 ? "scalar" : s.text(); }

std::string ways(const std::vector<Row>& rows) {
  std::string text;
  for (const Row& r : rows) {
    if (r.allowed || !r.seen()) continue;
    text += "\n" + escape_text(r.code) + " sees " + escape_text(r.modality) + " (" + r.where + "):\n";
    const auto& way = r.carried->way;
    if (way.empty()) {
      text += r.by == "absent"
                  ? "  no op carries it: the code changes when " + escape_text(r.modality) + " is left out\n"
                  : "  the tape itself has another form with other data\n";
      continue;
    }
    for (std::size_t i = 0; i < way.size(); ++i) {
      const bool beside = i == 0 && way[i].name.empty();
      text += "  " + pad("#" + std::to_string(way[i].node), 7) +
              (way[i].name.empty() ? way[i].op : escape_text(way[i].name)) + " " + shape_text(way[i].shape) +
              (beside ? ", computed from " + escape_text(r.modality) + " beside the tape" : "") + "\n";
    }
  }
  return text;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& w : words) text += (text.empty() ? "" : ", ") + escape_text(w);
  return text;
}

// Common parameters of all situations, by name.
std::map<std::string, CommonParameter> common(const Audits& audits) {
  std::map<std::string, CommonParameter> all;
  for (const auto& [situation, audit] : audits)
    for (const CommonParameter& p : audit.common) {
      CommonParameter& to = all.emplace(p.name, CommonParameter{p.name, {}, {}}).first->second;
      for (const std::string& c : p.codes)
        if (std::find(to.codes.begin(), to.codes.end(), c) == to.codes.end()) to.codes.push_back(c);
      for (const std::size_t m : p.modalities)
        if (std::find(to.modalities.begin(), to.modalities.end(), m) == to.modalities.end()) to.modalities.push_back(m);
      std::sort(to.modalities.begin(), to.modalities.end());
    }
  return all;
}

std::string shared_parameters(const std::vector<std::string>& modalities, const Audits& audits) {
  // Grouped by who reads them and whose data trains them.
  std::map<std::string, std::vector<std::string>> groups;
  for (const auto& [name, p] : common(audits)) {
    std::vector<std::string> of;
    for (const std::size_t m : p.modalities) of.push_back(modalities[m]);
    groups[joined(p.codes) + " read what is trained on " + joined(of)].push_back(name);
  }
  if (groups.empty()) return "shared parameters  no private code reads one\n";
  std::string text;
  for (const auto& [who, names] : groups) text += "shared parameters  " + who + ": " + joined(names) + "\n";
  return text;
}

std::string other_samples(const Audits& audits) {
  std::string text;
  std::set<std::string> told;
  for (const auto& [situation, audit] : audits)
    for (const AcrossSamples& a : audit.across)
      if (a.seen() && told.insert(a.code).second)
        text += "other samples      " + escape_text(a.code) + " of one sample depends on the others (" +
                situation.name + "): gradient " + (a.jacobian == 0 ? "0" : short_text(a.jacobian)) + ", moved by " +
                (a.moved == 0 ? "0" : short_text(a.moved)) + "\n";
  return text.empty() ? "other samples      no code of one sample depends on the others\n" : text;
}

std::string capacity(const std::vector<Row>& rows) {
  std::string text;
  for (const Row& r : rows)
    if (r.is_private && !r.allowed && r.choices > 0)
      text += "capacity           " + escape_text(r.code) + ": " + std::to_string(r.choices) +
              " choices of experts turn with " + escape_text(r.modality) + "\n";
  return text.empty() ? "capacity           no expert's choice turns with another modality's tokens\n" : text;
}

}  // namespace

std::string audit_text(const std::string& title, const std::vector<std::string>& modalities, const Audits& audits) {
  const std::vector<Row> rows = rows_of(modalities, audits);
  std::string leaks;
  for (const Row& r : rows)
    if (r.is_private && !r.allowed && r.seen())
      leaks += (leaks.empty() ? "" : "; ") + escape_text(r.code) + " sees " + escape_text(r.modality);
  return escape_text(title, 4096) + "; float64, " + std::to_string(audits.back().audit.draws) + " draws\n\n" +
         table(rows, audits) + ways(rows) + "\n" + shared_parameters(modalities, audits) + other_samples(audits) +
         capacity(rows) + "\n" + (leaks.empty() ? "no private code sees another modality\n" : "LEAK: " + leaks + "\n");
}

nlohmann::ordered_json audit_json(const std::vector<std::string>& modalities, const Audits& audits) {
  using Json = nlohmann::ordered_json;
  Json dependences = Json::array(), across = Json::array(), parameters = Json::array();
  bool pass = true;
  for (const auto& [situation, audit] : audits) {
    for (const Dependence& d : audit.dependences) {
      Json way = Json::array();
      for (const Dependence::Step& s : d.way)
        way.push_back({{"node", s.node},
                       {"op", s.op},
                       {"name", s.name.empty() ? Json() : Json(s.name)},
                       {"shape", std::vector<std::int64_t>(s.shape.sizes().begin(), s.shape.sizes().end())}});
      dependences.push_back({{"situation", situation.name},
                             {"code", d.code},
                             {"modality", modalities[d.modality]},
                             {"allowed", d.allowed},
                             {"path", d.path},
                             {"jacobian", d.jacobian ? Json(*d.jacobian) : Json()},
                             {"moved", d.moved},
                             {"by", d.by.empty() ? Json() : Json(d.by)},
                             {"choices", d.choices},
                             {"leak", d.leak()},
                             {"way", way}});
      pass = pass && !d.leak();
    }
    for (const AcrossSamples& a : audit.across)
      across.push_back({{"situation", situation.name}, {"code", a.code}, {"jacobian", a.jacobian}, {"moved", a.moved}});
  }
  for (const auto& [name, p] : common(audits)) {
    Json of = Json::array();
    for (const std::size_t m : p.modalities) of.push_back(modalities[m]);
    parameters.push_back({{"name", name}, {"codes", p.codes}, {"modalities", of}});
  }
  return {{"pass", pass},
          {"draws", audits.back().audit.draws},
          {"dependences", dependences},
          {"other_samples", across},
          {"shared_parameters", parameters}};
}

}  // namespace triptych::app
