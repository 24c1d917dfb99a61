#include "app/training_history.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "data/bytes.h"
#include "data/read_file.h"

namespace triptych::app {
namespace {

using Json = nlohmann::json;

// One entry of "routing"; nothing for what we did not write.
bool read_use(const Json& entry, ExpertUse& use) {
  if (!entry.is_object()) return false;
  for (const char* key : {"layer", "leakage"})
    if (!entry.contains(key) || !entry[key].is_number()) return false;
  for (const char* key : {"modality", "code"})
    if (!entry.contains(key) || !entry[key].is_string()) return false;
  if (!entry.contains("load") || !entry["load"].is_array()) return false;
  for (const Json& x : entry["load"])
    if (x.is_number()) use.load.push_back(x.get<double>());
  use.layer = entry["layer"].get<std::int64_t>();
  use.modality = entry["modality"].get<std::string>();
  use.code = entry["code"].get<std::string>();
  use.leakage = entry["leakage"].get<double>();
  return use.load.size() == entry["load"].size();
}

struct Sum {
  ExpertUse use;
  double lines = 0;
};

void add(const ExpertUse& one, std::vector<Sum>& sums) {
  const auto same = [&](const Sum& s) {
    return s.use.layer == one.layer && s.use.modality == one.modality && s.use.code == one.code &&
           s.use.load.size() == one.load.size();
  };
  const auto found = std::ranges::find_if(sums, same);
  if (found == sums.end()) return sums.push_back({one, 1});
  ExpertUse& use = found->use;
  for (std::size_t i = 0; i < use.load.size(); ++i) use.load[i] += one.load[i];
  use.leakage += one.leakage;
  ++found->lines;
}

}  // namespace

TrainingHistory read_history(const std::string& path) {
  TrainingHistory history;
  if (!std::filesystem::exists(path)) return history;
  const std::vector<std::byte> bytes = data::read_file(path);
  std::string_view text = data::as_text(bytes);
  std::vector<std::vector<ExpertUse>> routed;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const Json line = Json::parse(text.substr(0, end), nullptr, false);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.is_object() || !line.contains("step") || !line["step"].is_number_integer()) continue;
    if (!line.contains("routing") || !line["routing"].is_array()) continue;
    routed.emplace_back();
    for (const Json& entry : line["routing"])
      if (ExpertUse use; read_use(entry, use)) routed.back().push_back(std::move(use));
  }
  std::vector<Sum> sums;
  for (std::size_t i = routed.size() - (routed.size() + 3) / 4; i < routed.size(); ++i)
    for (const ExpertUse& use : routed[i]) add(use, sums);
  for (Sum& s : sums) {
    for (double& x : s.use.load) x /= s.lines;
    s.use.leakage /= s.lines;
    history.experts.push_back(std::move(s.use));
  }
  return history;
}

}  // namespace triptych::app
