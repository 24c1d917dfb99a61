// The keys of a config: one table that reading, writing, ranges and comparison are made of.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "app/config.h"

namespace triptych::app {

// Of an enum: its values are the field's choices, in their order.
struct Choice {
  std::uint8_t* value;
};
// A list of names is written "a+b" on the command line and ["a", "b"] in TOML, where one name may stand alone.
using Slot = std::variant<bool*, int*, std::int64_t*, double*, std::string*, std::vector<std::string>*, Choice>;

struct Field {
  std::string_view key;  // "section.name"
  Slot (*slot)(RunConfig&);
  double least = 0, most = 0;             // numbers
  std::vector<std::string_view> choices;  // enums, and strings: empty there for any but the empty one
  std::string_view meaning;
  bool optional = false;  // the empty string is a value: nothing

  std::string_view section() const { return key.substr(0, key.find('.')); }
  std::string_view name() const { return key.substr(key.find('.') + 1); }
};

std::span<const Field> config_fields();
const Field* find_field(std::string_view key);  // null when there is none
std::vector<std::string> field_keys();

// "a whole number from 1 to 1000000", "true or false", ...
std::string expected(const Field& field);
// As TOML: 12, 0.001, true, "emoji".
std::string value_text(const Field& field, const RunConfig& config);
// From the text after "key=". Throws Error(usage, "config.value"); `where` and `file` say where the text stands.
void set_value(const Field& field, std::string_view text, RunConfig& config, const std::string& where = {},
               const std::string& file = {});

// A TOML basic string with its quotes. text is UTF-8.
std::string toml_string(std::string_view text);
// "a+b" -> {"a", "b"}; parts may be empty.
std::vector<std::string> split_names(std::string_view text);
// "a" for one, ["a", "b"] for several.
std::string toml_strings(const std::vector<std::string>& texts);

// "did you mean ...?" for a key that does not exist; lists all when none is near.
std::string key_hint(const std::string& key);

}  // namespace triptych::app
