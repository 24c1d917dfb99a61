#include "app/config_objective.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "app/config_fields.h"
#include "app/terminal.h"
#include "core/error.h"
#include "models/objective/presets.h"
#include "models/objective/term_codes.h"

namespace triptych::app {
namespace {

double weight_of(const TermConfig& t, const std::string& key, const std::string& text) {
  double w = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), w);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(w) || w < 0)
    throw Error(Exit::usage, "config.value",
                "objective '" + escape_text(t.name.empty() ? t.loss : t.name, 64) + "': " + key + " = '" +
                    escape_text(text, 64) + "' must be a finite number >= 0");
  return w;
}

std::string setting_toml(const Setting& s) {
  if (const double* number = std::get_if<double>(&s)) return number_text(*number);
  if (const bool* flag = std::get_if<bool>(&s)) return *flag ? "true" : "false";
  return toml_string(std::get<std::string>(s));
}

}  // namespace

void set_term_value(TermConfig& t, const std::string& key, const std::string& text) {
  if (key == "loss") {
    if (t.loss != text) t.settings.clear();  // they were the other loss's
    t.loss = find_loss(text).name;
  } else if (key == "on") {
    t.on = split_names(text);
  } else if (key == "weight") {
    t.weight = weight_of(t, key, text);
  } else if (key == "weight_end") {
    t.weight_end = weight_of(t, key, text);
  } else if (key == "schedule") {
    t.schedule = parse_schedule(text);
  } else if (key == "name") {
    if (text.empty() || !is_utf8(text) || text.find_first_of(".=\n") != std::string::npos)
      throw Error(Exit::usage, "config.value",
                  "objective: name = '" + escape_text(text, 64) + "' must be a text without '.' and '='");
    t.name = text;
  } else {
    Setting value;
    try {
      value = parse_setting(find_loss(t.loss), key, text);
    } catch (const Error& e) {
      if (e.code != "param.unknown") throw;
      std::vector<std::string> known = {"loss", "on", "weight", "weight_end", "schedule", "name"};
      for (const Param& p : find_loss(t.loss).params) known.emplace_back(p.name);
      throw Error(Exit::usage, "config.key",
                  "objective: unknown key '" + escape_text(key, 64) + "' for the loss " + t.loss, {},
                  suggest(key, known));
    }
    const auto at = std::find_if(t.settings.begin(), t.settings.end(), [&](const auto& s) { return s.first == key; });
    if (at == t.settings.end())
      t.settings.emplace_back(key, value);
    else
      at->second = value;
  }
}

void finish_term(TermConfig& t, bool weight_end_given) {
  if (!weight_end_given) t.weight_end = t.weight;
  if (t.name.empty()) {
    t.name = default_name(t);
    std::replace(t.name.begin(), t.name.end(), '.', '_');
  }
}

void set_objective_value(std::vector<TermConfig>& terms, const std::string& key, const std::string& text) {
  const std::size_t dot = key.rfind('.');
  const std::string name = dot > 10 && dot != std::string::npos ? key.substr(10, dot - 10) : std::string();
  std::vector<std::string> names;
  for (TermConfig& t : terms) {
    if (t.name == name) {
      const std::string what = key.substr(dot + 1);
      const bool constant = t.weight_end == t.weight;
      set_term_value(t, what, text);
      if (what == "weight" && constant) t.weight_end = t.weight;
      return;
    }
    names.push_back(t.name);
  }
  const std::string close = nearest(name, names);
  std::string all;
  for (const std::string& n : names) all += (all.empty() ? "" : ", ") + n;
  throw Error(Exit::usage, "config.key", "unknown key '" + escape_text(key, 64) + "'", {},
              close.empty()
                  ? "objective.NAME.KEY, where NAME is one of " + all
                  : "did you mean 'objective." + close + "." + (dot > 10 ? key.substr(dot + 1) : "weight") + "'?");
}

std::string to_toml(const TermConfig& t) {
  std::string out = "\n[[objective]]\nname = " + toml_string(t.name) + "\nloss = " + toml_string(t.loss) +
                    "\non = " + toml_strings(t.on) + "\nweight = " + number_text(t.weight) + "\n";
  if (t.weight_end != t.weight) out += "weight_end = " + number_text(t.weight_end) + "\n";
  if (t.schedule != WeightSchedule::constant) out += "schedule = " + toml_string(name_of(t.schedule)) + "\n";
  for (const auto& [key, value] : t.settings) out += key + " = " + setting_toml(value) + "\n";
  return out;
}

std::vector<TermConfig> emoji_objective(const ModelConfig& model) {
  const double apart = model.scheme.back() == "typed-slots" ? 30 : 15;  // share slots tell the style with less
  std::vector<TermConfig> terms = {{"reconstruct", "mse", {"reconstruction"}, 2, 2},
                                   {"align", "clip", {"shared"}, 2, 2, WeightSchedule::gate},
                                   {"align_views", "clip", {"views.shared"}, 2.5, 2.5, WeightSchedule::gate},
                                   {"decorrelate", "xcorr", {"private-shared", "private"}, apart, apart},
                                   {"variance", "variance_hinge", {"private", "shared"}}};
  if (has_experts(model)) terms.push_back({"balance", "switch_balance", {"routing"}, 0.1, 0.1});
  return terms;
}

}  // namespace triptych::app
