#include "app/run_folder.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>

#include "app/tensorboard_events.h"
#include "core/error.h"

namespace triptych::app {
namespace {

namespace fs = std::filesystem;

constexpr const char* files[] = {"config.toml", "metrics.jsonl", events_file,
                                 "report.html", "seconds.txt",   "forced.txt"};
constexpr const char* marker = ".triptych-run";

[[noreturn]] void fail(const std::string& path, const std::string& problem, int error = 0) {
  throw Error(Exit::output, "run.folder",
              escape_text(path, 4096) + ": " + problem + (error == 0 ? "" : std::string(": ") + std::strerror(error)),
              path, "choose another folder with --out, or check its permissions and the disk");
}

bool holds_run(const std::string& path) {
  const auto there = [&](const std::string& name) {
    std::error_code ignored;
    return fs::exists(fs::symlink_status(path + "/" + name, ignored));
  };
  return there("checkpoints") || std::any_of(std::begin(files), std::end(files), there);
}

bool is_checkpoint(const std::string& name) {
  constexpr std::string_view prefix = "step-", ending = ".safetensors";
  if (!name.starts_with(prefix) || !name.ends_with(ending)) return false;
  const std::size_t digits = name.size() - prefix.size() - ending.size();
  return digits >= 8 && name.find_first_not_of("0123456789", prefix.size()) == prefix.size() + digits;
}

// Unlike remove_all it leaves folders alone.
void remove_file(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) fail(path, "cannot be removed", errno);
}

// ".triptych-<process id>-<number>.tmp" of a process that is no more (data/atomic_file.h).
bool is_stray(const std::string& name) {
  constexpr std::string_view prefix = ".triptych-";
  if (!name.starts_with(prefix) || !name.ends_with(".tmp")) return false;
  pid_t owner = 0;
  const auto [end, error] = std::from_chars(name.data() + prefix.size(), name.data() + name.size(), owner);
  return error == std::errc{} && *end == '-' && owner > 0 && ::kill(owner, 0) != 0 && errno == ESRCH;
}

void remove_strays(const std::string& folder) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored))
    if (is_stray(entry.path().filename().string())) fs::remove(entry.path(), ignored);
}

}  // namespace

std::string checkpoint_name(std::int64_t step) {
  std::string digits = std::to_string(step);
  if (digits.size() < 8) digits.insert(0, 8 - digits.size(), '0');
  return "checkpoints/step-" + digits + ".safetensors";
}

std::vector<std::string> checkpoint_paths(const std::string& run) {
  std::vector<std::string> paths;
  const std::string folder = run + "/checkpoints";
  std::error_code error;
  fs::directory_iterator at(folder, error);
  for (; !error && at != fs::directory_iterator(); at.increment(error))
    if (is_checkpoint(at->path().filename().string())) paths.push_back(at->path().string());
  if (error && error != std::errc::no_such_file_or_directory) fail(folder, "cannot be listed", error.value());
  std::sort(paths.begin(), paths.end(), [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() > b.size() : a > b;  // longer names have more digits
  });
  return paths;
}

RunFolder::RunFolder(const std::string& path, Open how) : RunFolder(path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (fs::exists(status) && !fs::is_directory(status)) fail(path, "is not a folder");
  const bool run = holds_run(path);
  if (how == Open::fresh && run)
    throw Error(Exit::usage, "run.exists", escape_text(path, 4096) + ": holds a run already", path,
                "choose another --out; 'triptych train' has --resume to continue a run and --force to replace it");
  if (how == Open::resume && !run)
    throw Error(Exit::usage, "run.missing", escape_text(path, 4096) + ": holds no run to resume", path,
                "leave --resume out to start one");
  if (how == Open::replace && run && !fs::exists(*this / marker, error))
    throw Error(Exit::usage, "run.foreign",
                escape_text(path, 4096) + ": holds files like a run's, but no " + marker + " that says they are ours",
                path, "choose another --out, or delete the folder yourself");
  fs::create_directories(path + "/checkpoints", error);
  if (error) fail(path, "cannot be made", error.value());
  for (const std::string& folder : {path, path + "/checkpoints"})
    if (::access(folder.c_str(), W_OK | X_OK) != 0) fail(folder, "cannot be written to", errno);
  lock();
  remove_strays(path);
  remove_strays(path + "/checkpoints");
  if (how == Open::replace) remove_run();
  if (how != Open::resume) mark();
}

void RunFolder::remove_run() const {
  for (const char* file : files) remove_file(*this / file);
  for (const std::string& checkpoint : checkpoint_paths(path_)) remove_file(checkpoint);
}

void RunFolder::mark() const {
  const std::string name = *this / marker;
  const int fd = ::open(name.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (fd < 0) fail(name, "cannot be made", errno);
  ::close(fd);
}

RunFolder::~RunFolder() {
  if (lock_ < 0) return;
  ::unlink((*this / "lock").c_str());  // still ours: nobody else can hold it
  ::close(lock_);
}

void RunFolder::lock() {
  const std::string name = *this / "lock";
  for (;;) {
    const int fd = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0) fail(name, "cannot be opened", errno);
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
      const int error = errno;
      char text[24] = {};
      const ssize_t n = ::read(fd, text, sizeof text - 1);
      ::close(fd);
      if (error != EWOULDBLOCK) fail(name, "cannot be locked", error);
      std::string owner(text, static_cast<std::size_t>(n > 0 ? n : 0));
      owner = owner.substr(0, owner.find('\n'));
      throw Error(
          Exit::output, "run.locked",
          escape_text(path_, 4096) + ": process " + escape_text(owner.empty() ? "?" : owner) + " is writing this run",
          path_, "wait for it, stop it, or use another --out");
    }
    // Whoever had it may have removed the file between our open and our lock: then it locks nothing.
    struct stat ours {
    }, there{};
    if (::fstat(fd, &ours) == 0 && ::stat(name.c_str(), &there) == 0 && ours.st_ino == there.st_ino) {
      const std::string owner = std::to_string(::getpid()) + "\n";
      if (::ftruncate(fd, 0) != 0 || ::write(fd, owner.data(), owner.size()) < 0) {
        const int error = errno;
        ::close(fd);
        fail(name, "cannot be written", error);
      }
      lock_ = fd;
      return;
    }
    ::close(fd);
  }
}

}  // namespace triptych::app
