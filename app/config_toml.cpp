#include "app/config_toml.h"

#include <toml++/toml.h>

#include "app/config_fields.h"
#include "app/config_objective.h"
#include "app/terminal.h"
#include "core/error.h"

namespace triptych::app {
namespace {

constexpr toml::source_index most_dots = 1000;

std::string place(const std::string& file, const toml::source_position& at) {
  return escape_text(file, 4096) + ":" + std::to_string(at.line) + ":" + std::to_string(at.column) + ": ";
}

[[noreturn]] void refuse(const char* code, const std::string& file, const toml::source_position& at,
                         const std::string& problem, const std::string& hint = {}) {
  throw Error(Exit::usage, code, place(file, at) + problem, file, hint);
}

toml::table parse(std::string_view text, const std::string& file) {
  if (text.size() > largest_config)
    throw Error(Exit::usage, "config.syntax",
                escape_text(file, 4096) + ": holds " + std::to_string(text.size()) +
                    " bytes, expected a config of at most " + std::to_string(largest_config),
                file);
  // The parser descends once for every part of a dotted key, so a long one would end the stack.
  toml::source_index line = 1, dots = 0;
  for (const char c : text) {
    if (c == '\n') ++line, dots = 0;
    if (c == '.' && ++dots > most_dots)
      refuse("config.syntax", file, {line, 1}, "more than " + std::to_string(most_dots) + " dots in a line");
  }
  try {
    return toml::parse(text, file);
  } catch (const toml::parse_error& e) {
    refuse("config.syntax", file, e.source().begin, escape_text(e.description(), 200), "see https://toml.io");
  }
}

std::string type_of(const toml::node& node) {
  std::ostringstream out;
  out << node.type();
  return out.str();
}

// ["a", "b"] -> "a+b", the text that split_names takes apart.
std::string joined(const toml::array& names) {
  std::string all;
  for (const toml::node& n : names) all += (all.empty() ? "" : "+") + n.value_exact<std::string>().value_or("");
  return all;
}

// The node's value as the text set_value takes; refuses a node of another type than the field.
std::string text_of(const toml::node& node, const Field& field, const std::string& file) {
  RunConfig scratch;
  const Slot slot = field.slot(scratch);
  if (std::holds_alternative<bool*>(slot))
    if (const auto v = node.value_exact<bool>()) return *v ? "true" : "false";
  const bool text = std::holds_alternative<std::string*>(slot) || std::holds_alternative<Choice>(slot);
  if (!std::holds_alternative<bool*>(slot) && !text)
    if (const auto v = node.value_exact<std::int64_t>()) return std::to_string(*v);
  if (std::holds_alternative<double*>(slot))
    if (const auto v = node.value_exact<double>()) return number_text(*v);
  const bool list = std::holds_alternative<std::vector<std::string>*>(slot);
  if (list || text)
    if (const auto v = node.value_exact<std::string>()) return *v;
  if (const toml::array* names = list ? node.as_array() : nullptr) return joined(*names);
  refuse("config.value", file, node.source().begin,
         std::string(field.key) + ": a TOML " + type_of(node) + ", expected " + expected(field),
         std::string(field.key) + ": " + std::string(field.meaning));
}

FeatureFile modality(const toml::node& node, const std::string& file) {
  FeatureFile m;
  const toml::table* entries = node.as_table();
  if (!entries)
    refuse("config.value", file, node.source().begin, "data.modality: expected a table with name, file and mask");
  for (const auto& [key, value] : *entries) {
    std::string* to = key == "name" ? &m.name : key == "file" ? &m.file : key == "mask" ? &m.mask : nullptr;
    if (!to)
      refuse("config.key", file, key.source().begin, "unknown key 'data.modality." + escape_text(key.str(), 64) + "'",
             "known: name, file, mask");
    const auto text = value.value_exact<std::string>();
    if (!text || text->empty())
      refuse("config.value", file, value.source().begin,
             "data.modality." + std::string(key.str()) + ": expected a text that is not empty");
    *to = *text;
  }
  if (m.name.empty() || m.file.empty())
    refuse("config.value", file, node.source().begin, "data.modality: needs a name and a file");
  return m;
}

void apply_modalities(const toml::node& node, const std::string& file, RunConfig& config) {
  const toml::array* list = node.as_array();
  if (!list) refuse("config.value", file, node.source().begin, "data.modality: expected [[data.modality]] tables");
  config.data.files.clear();
  for (const toml::node& entry : *list) config.data.files.push_back(modality(entry, file));
}

// A value of a term as the text that set_term_value takes; lists as "a+b".
std::string term_text(const toml::node& node) {
  if (const auto v = node.value_exact<std::string>()) return *v;
  if (const auto v = node.value_exact<bool>()) return *v ? "true" : "false";
  if (const auto v = node.value<double>()) return number_text(*v);
  const toml::array* list = node.as_array();
  return list ? joined(*list) : std::string();
}

void apply_objective(const toml::node& node, const std::string& file, RunConfig& config) {
  const toml::array* list = node.as_array();
  if (!list || list->empty() || !(*list)[0].is_table())
    refuse("config.value", file, node.source().begin, "objective: expected [[objective]] tables");
  config.model.objective.clear();
  for (const toml::node& entry : *list) {
    const toml::table* keys = entry.as_table();
    if (!keys || !(*keys)["loss"].is_string())
      refuse("config.value", file, entry.source().begin, "objective: every entry needs a loss",
             "loss = \"clip\", on = \"shared\"");
    TermConfig term;
    const auto set = [&](const std::string& key, const toml::node& value) {
      try {
        set_term_value(term, key, term_text(value));
      } catch (const Error& e) {
        throw Error(e.exit, e.code, place(file, value.source().begin) + e.what(), file, e.hint);
      }
    };
    set("loss", *keys->get("loss"));  // first: the other keys depend on it
    for (const auto& [key, value] : *keys)
      if (key.str() != "loss") set(std::string(key.str()), value);
    finish_term(term, keys->contains("weight_end"));
    config.model.objective.push_back(std::move(term));
  }
}

}  // namespace

std::string source_of(std::string_view text, const std::string& file) {
  const toml::table root = parse(text, file);
  if (const auto source = root["data"]["source"].value<std::string>()) return *source;
  return root["data"]["modality"] ? "files" : "";
}

std::string preset_of(std::string_view text, const std::string& file) {
  return parse(text, file)["model"]["preset"].value<std::string>().value_or("");
}

void apply_toml(std::string_view text, const std::string& file, RunConfig& config, std::set<std::string>& given) {
  const toml::table root = parse(text, file);
  for (const auto& [section, content] : root) {
    const std::string prefix(section.str());
    if (prefix == "objective") {
      apply_objective(content, file, config);
      given.insert(prefix);
      continue;
    }
    std::vector<std::string> sections;
    for (const Field& f : config_fields())
      if (sections.empty() || sections.back() != f.section()) sections.emplace_back(f.section());
    const bool known = std::find(sections.begin(), sections.end(), prefix) != sections.end();
    const toml::table* entries = content.as_table();
    if (!known || !entries) {
      const std::string close = known ? prefix : nearest(prefix, sections);
      refuse(
          "config.key", file, section.source().begin,
          "unknown " + std::string(entries ? "section '[" : "key '") + escape_text(prefix, 64) + (entries ? "]'" : "'"),
          close.empty()
              ? (entries ? "known: [data], [model], [query_banks], [typed_slots], [moe], [[objective]], [train]"
                         : key_hint(prefix))
              : (entries ? "did you mean '[" + close + "]'?" : "a section: [" + close + "]"));
    }
    for (const auto& [name, node] : *entries) {
      const std::string key = prefix + "." + std::string(name.str());
      given.insert(key);
      if (key == "data.modality") {
        apply_modalities(node, file, config);
        continue;
      }
      const Field* field = find_field(key);
      if (!field)
        refuse("config.key", file, name.source().begin, "unknown key '" + escape_text(key, 64) + "'", key_hint(key));
      set_value(*field, text_of(node, *field, file), config, place(file, node.source().begin), file);
    }
  }
}

}  // namespace triptych::app
