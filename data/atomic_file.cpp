#include "data/atomic_file.h"

#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

#include "core/error.h"

namespace triptych::data {
namespace {

[[noreturn]] void fail(const char* code, const std::string& path, const std::string& problem, int error) {
  const bool no_space = error == ENOSPC || error == EDQUOT || error == EFBIG;
  const bool no_folder = error == ENOENT || error == ENOTDIR;
  throw Error(Exit::output, code,
              escape_text(path, 4096) + ": " + problem + (error == 0 ? "" : std::string(": ") + std::strerror(error)),
              path,
              no_space    ? "free some space or write elsewhere; the previous file, if any, is unchanged"
              : no_folder ? "create the folder first"
                          : "check the folder's permissions, or write elsewhere");
}

// The temporary file: gone when this goes out of scope, unless release() was called.
class Temporary {
 public:
  Temporary(const std::string& target, std::optional<mode_t> mode, const std::string& shown, const FileCalls& calls)
      : calls_(calls) {
    static std::atomic<unsigned> counter{0};
    const auto folder = std::filesystem::path(target).parent_path();
    // Another process id's leftovers are skipped over, our own number never repeats; the bound only ends a bad dream.
    for (int attempt = 0; attempt < 1000; ++attempt) {
      const auto name = ".triptych-" + std::to_string(::getpid()) + "-" + std::to_string(counter++) + ".tmp";
      path_ = (folder / name).string();
      fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
      if (fd_ >= 0 || (errno != EEXIST && errno != EINTR)) break;
    }
    if (fd_ < 0) fail("output.open", shown, "cannot create a file in its folder", errno);
    if (mode && ::fchmod(fd_, *mode) != 0) {
      const int error = errno;
      discard();
      fail("output.open", shown, "cannot set the file's mode", error);
    }
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  ~Temporary() { discard(); }

  int fd() const { return fd_; }
  const std::string& path() const { return path_; }
  int close() {
    // The descriptor is gone whatever close returns; EINTR says nothing about the data, which fsync has settled.
    const int result = calls_.close(std::exchange(fd_, -1));
    return result != 0 && errno == EINTR ? 0 : result;
  }
  void release() { path_.clear(); }

 private:
  void discard() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    if (!path_.empty()) ::unlink(path_.c_str());
    path_.clear();
  }

  const FileCalls& calls_;
  std::string path_;
  int fd_ = -1;
};

int retried_fsync(const FileCalls& calls, int fd) {
  int result;
  do {
    result = calls.fsync(fd);
  } while (result != 0 && errno == EINTR);
  return result;
}

void write_all(const FileCalls& calls, int fd, std::span<const std::byte> bytes, const std::string& shown) {
  constexpr std::size_t largest_write = std::size_t{1} << 30;
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t put = calls.write(fd, bytes.data() + done, std::min(bytes.size() - done, largest_write));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) {
      const int error = put == 0 ? ENOSPC : errno;
      fail("output.write", shown,
           "write failed after " + std::to_string(done) + " of " + std::to_string(bytes.size()) + " bytes", error);
    }
    done += static_cast<std::size_t>(put);
  }
}

bool holds(const std::string& path, std::span<const std::byte> expected) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  std::vector<std::byte> buffer(std::size_t{1} << 20);
  std::size_t done = 0;
  bool same = true;
  while (same) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      same = got == 0 && done == expected.size();
      break;
    }
    const auto length = static_cast<std::size_t>(got);
    same = length <= expected.size() - done && std::memcmp(buffer.data(), expected.data() + done, length) == 0;
    done += length;
  }
  ::close(fd);
  return same;
}

void sync_folder(const FileCalls& calls, const std::string& target, const std::string& shown) {
  auto folder = std::filesystem::path(target).parent_path().string();
  if (folder.empty()) folder = ".";
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  // A folder may be writable but not readable; then it cannot be synced, and that is no reason to fail.
  if (fd < 0) return;
  const int result = retried_fsync(calls, fd);
  const int error = errno;
  ::close(fd);
  // EINVAL: this file system does not sync directories.
  if (result != 0 && error != EINVAL)
    fail("output.sync-directory", shown, "written, but its folder cannot be synced", error);
}

}  // namespace

void write_file_atomically(const std::string& path, std::span<const std::byte> bytes, const FileCalls& calls) {
  if (path.empty() || path.find('\0') != std::string::npos) fail("output.open", path, "not a usable path", 0);
  std::string target = path;
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0 && S_ISLNK(status.st_mode)) {
    std::error_code error;
    target = std::filesystem::canonical(path, error).string();
    if (error) fail("output.open", path, "is a symbolic link that leads nowhere", error.value());
  }
  std::optional<mode_t> mode;
  if (::stat(target.c_str(), &status) == 0) {
    if (!S_ISREG(status.st_mode)) {
      const char* kind = S_ISDIR(status.st_mode) ? "a directory" : "a FIFO, socket or device";
      fail("output.not-regular", path, std::string("is ") + kind + ", expected a regular file or a new name", 0);
    }
    mode = status.st_mode & 0777;
  }
  Temporary temporary(target, mode, path, calls);
  write_all(calls, temporary.fd(), bytes, path);
  if (retried_fsync(calls, temporary.fd()) != 0) fail("output.sync", path, "fsync failed", errno);
  if (temporary.close() != 0) fail("output.close", path, "close failed", errno);
  if (!holds(temporary.path(), bytes)) fail("output.verify", path, "reading the new file back gave other bytes", 0);
  if (calls.rename(temporary.path().c_str(), target.c_str()) != 0) fail("output.rename", path, "rename failed", errno);
  temporary.release();
  sync_folder(calls, target, path);
}

}  // namespace triptych::data
