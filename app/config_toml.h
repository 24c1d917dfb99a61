// Reading one TOML document into a config.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "app/config.h"

namespace triptych::app {

// Most bytes of a config file: more is a mistake, and bounds how deep tables can nest.
inline constexpr std::size_t largest_config = 64 * 1024;

// The value of data.source in a document, "files" when it lists modalities instead, "" when it says neither. Which
// defaults apply depends on it.
std::string source_of(std::string_view toml, const std::string& file);
// The value of model.preset in a document, "" when it says none.
std::string preset_of(std::string_view toml, const std::string& file);

// Sets what the document gives and adds its keys to `given`. A byte-order mark and CRLF are fine. Throws Error(usage,
// "config.syntax", "config.key", "config.value") with <file>:<line>:<column>.
void apply_toml(std::string_view toml, const std::string& file, RunConfig& config, std::set<std::string>& given);

}  // namespace triptych::app
