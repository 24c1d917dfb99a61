#include "app/report_series.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "app/run_numbers.h"
#include "data/bytes.h"
#include "data/read_file.h"

namespace triptych::app {

const Series* TrainingSeries::find(std::string_view name) const {
  const auto at = std::ranges::find(all, name, &Series::name);
  return at == all.end() ? nullptr : &*at;
}

TrainingSeries read_series(const std::string& path) {
  TrainingSeries series;
  std::map<std::string, std::size_t> place;
  const std::vector<std::byte> bytes = data::read_file(path);
  std::string_view text = data::as_text(bytes);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const auto line = nlohmann::ordered_json::parse(text.substr(0, end), nullptr, false);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.is_object() || !line.contains("step") || !line["step"].is_number_integer()) {
      ++series.unreadable;
      continue;
    }
    series.last_step = line["step"].get<std::int64_t>();
    for (const auto& [name, value] : numbers_of(line)) {
      const auto [at, fresh] = place.try_emplace(name, series.all.size());
      if (fresh) series.all.push_back({name, {}, {}});
      Series& s = series.all[at->second];
      s.step.push_back(series.last_step);
      s.value.push_back(value);
    }
  }
  return series;
}

}  // namespace triptych::app
