#include "app/run_metrics.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "data/atomic_file.h"
#include "data/bytes.h"
#include "data/read_file.h"

namespace triptych::app {
namespace {

// The whole lines of text up to last_step. A power loss may leave a last line that is cut short or garbled.
std::string kept(std::string_view text, std::int64_t last_step, const std::string& path) {
  std::string out;
  for (std::int64_t number = 1;; ++number) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return out;
    const std::string_view line = text.substr(0, end);
    const auto object = nlohmann::json::parse(line, nullptr, false);
    if (!object.is_object() || !object.contains("step") || !object["step"].is_number_integer()) {
      if (number > 1 && text.find('\n', end + 1) == std::string_view::npos) return out;
      reject_input("metrics.line", path, "line " + std::to_string(number), "not an object with a step",
                   "move the file away to go on without it");
    }
    if (object["step"].get<std::int64_t>() <= last_step) out += text.substr(0, end + 1);
    text.remove_prefix(end + 1);
  }
}

// The path, once the file holds only what is kept.
std::string cleaned(const std::string& path, std::int64_t last_step) {
  if (std::filesystem::exists(path)) {
    const std::vector<std::byte> bytes = data::read_file(path);
    const std::string keep = kept(data::as_text(bytes), last_step, path);
    if (keep.size() != bytes.size()) data::write_file_atomically(path, data::as_bytes(keep));
  }
  return path;
}

}  // namespace

MetricsLog::MetricsLog(const std::string& path, std::int64_t last_step) : file_(cleaned(path, last_step), "metrics") {}

void MetricsLog::append(std::string_view line) { file_.append(data::as_bytes(std::string(line) + "\n")); }

}  // namespace triptych::app
