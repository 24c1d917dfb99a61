// The JSON header of a safetensors file, as plain data: syntax and field kinds are checked here, the layout of the
// tensors in data/safetensors.cpp.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "data/array.h"

namespace triptych::data {

inline constexpr std::uint64_t max_safetensors_header = 100'000'000;  // bytes; the format's own limit
inline constexpr std::size_t max_safetensors_tensors = 100'000;
inline constexpr std::string_view metadata_key = "__metadata__";

struct SafetensorsEntry {
  std::string name;
  std::string dtype;  // as written, not yet known to be one
  Shape shape;
  std::uint64_t begin = 0, end = 0;  // bytes of the buffer that follows the header; begin <= end
};

struct SafetensorsHeader {
  std::map<std::string, std::string> metadata;
  std::vector<SafetensorsEntry> entries;  // in the order of the JSON text
};

// Event-driven: memory stays in proportion to the text, and nesting beyond the three levels of the format stops at
// once. Throws Error(input, "safetensors.json", "safetensors.duplicate" or "safetensors.field").
SafetensorsHeader parse_safetensors_header(std::string_view json, const std::string& file);

}  // namespace triptych::data
