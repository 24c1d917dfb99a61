#include "app/run_seconds.h"

#include <charconv>
#include <cmath>
#include <filesystem>

#include "app/terminal.h"
#include "data/atomic_file.h"
#include "data/bytes.h"
#include "data/read_file.h"

namespace triptych::app {
namespace {
std::string path_of(const std::string& run) { return run + "/seconds.txt"; }
}  // namespace

double read_seconds(const std::string& run) {
  if (!std::filesystem::exists(path_of(run))) return 0;
  const std::vector<std::byte> bytes = data::read_file(path_of(run));
  const std::string_view text = data::as_text(bytes);
  double seconds = 0;
  std::from_chars(text.data(), text.data() + text.size(), seconds);
  return std::isfinite(seconds) && seconds > 0 ? seconds : 0;
}

void write_seconds(const std::string& run, double seconds) {
  data::write_file_atomically(path_of(run), data::as_bytes(number_text(seconds) + "\n"));
}

}  // namespace triptych::app
