#include "app/run_numbers.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

namespace triptych::app {
namespace {

using Json = nlohmann::ordered_json;
using Names = std::vector<std::string>;

bool is_list_of(const Json& v, bool (Json::*is)() const noexcept) {
  return v.is_array() && !v.empty() && std::ranges::all_of(v, [&](const Json& e) { return (e.*is)(); });
}

std::string below(const std::string& path, const std::string& key) { return path.empty() ? key : path + "/" + key; }

// The first list of texts among the members names the entries of the lists beside it.
Names names_in(const Json& object) {
  for (const Json& v : object)
    if (is_list_of(v, &Json::is_string)) return v.get<Names>();
  return {};
}

// The texts of an object, and its layer: which of a list of objects it is.
std::string label_of(const Json& object, std::size_t index) {
  std::string label;
  for (const auto& [key, v] : object.items())
    if (v.is_string() || key == "layer")
      label += (label.empty() ? "" : " ") + (v.is_string() ? v.get<std::string>() : "layer " + v.dump());
  return label.empty() ? std::to_string(index) : label;
}

void collect(const Json& v, const std::string& path, const Names& names, Numbers& to);

void collect_list(const Json& list, const std::string& path, const Names& names, Numbers& to) {
  const auto name = [&](std::size_t i) { return names.size() == list.size() ? names[i] : std::to_string(i); };
  const bool square = is_list_of(list, &Json::is_array) &&
                      std::ranges::all_of(list, [&](const Json& row) { return row.size() == list.size(); });
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (square) {
      for (std::size_t j = i + 1; j < list.size(); ++j)
        collect(list[i][j], below(path, name(i) + " - " + name(j)), {}, to);
    } else if (list[i].is_object()) {
      const std::string label = label_of(list[i], i);
      const Names inner = names_in(list[i]);
      for (const auto& [key, member] : list[i].items())
        if (key != "layer") collect(member, below(key == "value" ? path : below(path, key), label), inner, to);
    } else {
      collect(list[i], below(path, name(i)), names, to);
    }
  }
}

void collect(const Json& v, const std::string& path, const Names& names, Numbers& to) {
  if (v.is_number()) to.emplace_back(path, v.get<double>());
  if (v.is_null()) to.emplace_back(path, std::numeric_limits<double>::quiet_NaN());
  if (v.is_array()) collect_list(v, path, names, to);
  if (!v.is_object()) return;
  const Names inner = names_in(v);
  for (const auto& [key, member] : v.items()) collect(member, below(path, key), inner, to);
}

}  // namespace

Numbers numbers_of(const Json& line) {
  Numbers all;
  const Names names = names_in(line);
  for (const auto& [key, v] : line.items())
    if (key != "step") collect(v, key, names, all);
  return all;
}

}  // namespace triptych::app
