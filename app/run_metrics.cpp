#include "app/run_metrics.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "data/atomic_file.h"
#include "data/bytes.h"
#include "data/read_file.h"

namespace triptych::app {
namespace {

[[noreturn]] void fail(const char* code, const std::string& path, const std::string& problem, int error) {
  throw Error(Exit::output, code, escape_text(path, 4096) + ": " + problem + ": " + std::strerror(error), path,
              "free some space or check the permissions, then go on with --resume");
}

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

}  // namespace

MetricsLog::MetricsLog(const std::string& path, std::int64_t last_step) : path_(path) {
  if (std::filesystem::exists(path)) {
    const std::vector<std::byte> bytes = data::read_file(path);
    const std::string keep = kept(data::as_text(bytes), last_step, path);
    if (keep.size() != bytes.size()) data::write_file_atomically(path, data::as_bytes(keep));
  }
  file_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (file_ < 0) fail("metrics.open", path, "cannot be opened", errno);
}

MetricsLog::~MetricsLog() {
  if (file_ >= 0) ::close(file_);
}

void MetricsLog::append(std::string_view line) {
  const std::string text = std::string(line) + "\n";
  const off_t before = ::lseek(file_, 0, SEEK_END);
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t put = ::write(file_, text.data() + done, text.size() - done);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) {
      const int error = put == 0 ? ENOSPC : errno;
      if (done > 0 && ::ftruncate(file_, before) != 0) fail("metrics.write", path_, "a half line is left", error);
      fail("metrics.write", path_, "cannot be written", error);
    }
    done += static_cast<std::size_t>(put);
  }
}

}  // namespace triptych::app
