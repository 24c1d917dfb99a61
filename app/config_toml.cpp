#include "app/config_toml.h"

#include <toml++/toml.h>

#include "app/config_fields.h"
#include "app/terminal.h"
#include "core/error.h"

namespace triptych::app {
namespace {

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

// The node's value as the text set_value takes; refuses a node of another type than the field.
std::string text_of(const toml::node& node, const Field& field, const std::string& file) {
  RunConfig scratch;
  const Slot slot = field.slot(scratch);
  if (std::holds_alternative<bool*>(slot))
    if (const auto v = node.value_exact<bool>()) return *v ? "true" : "false";
  if (!std::holds_alternative<bool*>(slot) && !std::holds_alternative<std::string*>(slot))
    if (const auto v = node.value_exact<std::int64_t>()) return std::to_string(*v);
  if (std::holds_alternative<double*>(slot))
    if (const auto v = node.value_exact<double>()) return number_text(*v);
  if (std::holds_alternative<std::string*>(slot))
    if (const auto v = node.value_exact<std::string>()) return *v;
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

}  // namespace

std::string source_of(std::string_view text, const std::string& file) {
  const toml::table root = parse(text, file);
  if (const auto source = root["data"]["source"].value<std::string>()) return *source;
  return root["data"]["modality"] ? "files" : "";
}

void apply_toml(std::string_view text, const std::string& file, RunConfig& config, std::set<std::string>& given) {
  const toml::table root = parse(text, file);
  for (const auto& [section, content] : root) {
    const std::string prefix(section.str());
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
          close.empty() ? (entries ? "known: [data], [model], [loss], [train]" : key_hint(prefix))
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
