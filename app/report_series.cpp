#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "app/report_content.h"
#include "data/bytes.h"
#include "data/read_file.h"

namespace triptych::app {
namespace {

using Json = nlohmann::ordered_json;

Series& named(std::vector<Series>& all, const std::string& name) {
  for (Series& s : all)
    if (s.name == name) return s;
  return all.emplace_back(Series{name, {}, {}});
}

void append(Series& to, std::int64_t step, const Json& value) {
  to.step.push_back(step);
  to.value.push_back(value.is_number() ? value.get<double>() : std::numeric_limits<double>::quiet_NaN());
}

}  // namespace

TrainingSeries read_series(const std::string& path) {
  TrainingSeries all;
  const std::vector<std::byte> bytes = data::read_file(path);
  std::string_view text = data::as_text(bytes);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const Json line = Json::parse(text.substr(0, end), nullptr, false);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.is_object() || !line.contains("step") || !line["step"].is_number_integer()) continue;
    const auto step = line["step"].get<std::int64_t>();
    for (const auto& [key, value] : line.items()) {
      if (key == "step") continue;
      if (key == "loss") {
        if (!all.loss) all.loss = Series{"loss", {}, {}};
        append(*all.loss, step, value);
      } else if (key == "terms" && value.is_object()) {
        for (const auto& [name, term] : value.items()) append(named(all.terms, name), step, term);
      } else if (value.is_number() || value.is_null()) {
        append(named(all.others, key), step, value);
      }
    }
  }
  return all;
}

}  // namespace triptych::app
