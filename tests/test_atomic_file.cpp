// write_file_atomically: the old file or the new one, never a mixture, and every failure reported.
#include "data/atomic_file.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <cerrno>
#include <csignal>

#include "data/array.h"
#include "data/bytes.h"
#include "data/npy.h"
#include "data/npz.h"
#include "data/safetensors.h"
#include "tests/io_helpers.h"

namespace {

using namespace triptych;
using namespace triptych::data;
using io_test::check_refused;
using io_test::slurp;
using io_test::TempDir;

void write(const std::string& path, std::string_view text, const FileCalls& calls = {}) {
  write_file_atomically(path, as_bytes(text), calls);
}

mode_t mode_of(const std::string& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

// Fails like a full disk at the given size; a process limit is the portable way to get one.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &old_) == 0);
    const rlimit limit{bytes, old_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &old_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  void (*handler_)(int);
  rlimit old_{};
};

// Injected system calls. Function pointers carry no state, so it is here.
int calls_seen = 0;

ssize_t short_and_interrupted(int fd, const void* data, std::size_t size) {
  if (calls_seen++ % 2 == 0) {
    errno = EINTR;
    return -1;
  }
  return ::write(fd, data, std::min<std::size_t>(size, 3));
}
ssize_t full_after_one(int fd, const void* data, std::size_t size) {
  if (calls_seen++ == 0) return ::write(fd, data, std::min<std::size_t>(size, 4));
  errno = ENOSPC;
  return -1;
}
ssize_t corrupting(int fd, const void* data, std::size_t size) {
  std::string copy(static_cast<const char*>(data), size);
  copy[size / 2] ^= 1;
  return ::write(fd, copy.data(), size);
}
ssize_t vanishing(int, const void*, std::size_t size) { return static_cast<ssize_t>(size); }
int failing_fsync(int) { return errno = EIO, -1; }
int fsync_failing_second(int fd) { return calls_seen++ == 0 ? ::fsync(fd) : (errno = EIO, -1); }
int fsync_unsupported_second(int fd) { return calls_seen++ == 0 ? ::fsync(fd) : (errno = EINVAL, -1); }
int fsync_interrupted(int fd) { return calls_seen++ % 2 == 0 ? (errno = EINTR, -1) : ::fsync(fd); }
int failing_close(int fd) { return ::close(fd), errno = EDQUOT, -1; }
int interrupted_close(int fd) { return ::close(fd), errno = EINTR, -1; }
int failing_rename(const char*, const char*) { return errno = EACCES, -1; }

// Over an existing file and over none: refused, the old content stays, no temporary stays.
void check_failure(const FileCalls& calls, std::string_view code, std::string_view part) {
  const TempDir dir;
  for (const bool existing : {false, true}) {
    const std::string path = existing ? dir.file("old", "old content") : dir / "new";
    calls_seen = 0;
    const Error error = check_refused([&] { write(path, "the new content", calls); }, code, {path, part}, Exit::output);
    CHECK(error.file == path);
    CHECK_FALSE(error.hint.empty());
    CHECK(slurp(path) == (existing ? "old content" : ""));
    CHECK(std::filesystem::exists(path) == existing);
    CHECK(dir.entries() == (existing ? 1u : 0u));
  }
}

}  // namespace

TEST_CASE("atomic file: creates, replaces, empties, and leaves nothing else") {
  const TempDir dir;
  write(dir / "a", "first");
  CHECK(slurp(dir / "a") == "first");
  write(dir / "a", "second, longer");
  CHECK(slurp(dir / "a") == "second, longer");
  write(dir / "a", "");
  CHECK(slurp(dir / "a").empty());
  const std::string big(3'000'001, 'x');
  write(dir / "a", big);
  CHECK(slurp(dir / "a") == big);
  write(dir / std::string(255, 'n'), "longest name");
  CHECK(slurp(dir / std::string(255, 'n')) == "longest name");
  CHECK(dir.entries() == 2);
}

TEST_CASE("atomic file: a new file follows the umask, a replaced one keeps its mode") {
  const TempDir dir;
  const mode_t old = ::umask(027);
  write(dir / "new", "x");
  CHECK(mode_of(dir / "new") == 0640);
  for (const mode_t mode : {0644u, 0600u, 0666u, 0755u}) {
    REQUIRE(::chmod((dir / "new").c_str(), mode) == 0);
    write(dir / "new", "y");
    CHECK(mode_of(dir / "new") == mode);
  }
  ::umask(old);
}

TEST_CASE("atomic file: a symbolic link stays one and its target is replaced") {
  const TempDir dir;
  dir.file("target", "old");
  std::filesystem::create_symlink("target", dir / "link");
  write(dir / "link", "new");
  CHECK(std::filesystem::is_symlink(dir / "link"));
  CHECK(slurp(dir / "target") == "new");
  std::filesystem::create_symlink("nowhere", dir / "dangling");
  check_refused([&] { write(dir / "dangling", "x"); }, "output.open", {"dangling", "leads nowhere"}, Exit::output);
  CHECK(dir.entries() == 3);
}

TEST_CASE("atomic file: another name of the file keeps the old content") {
  const TempDir dir;
  const std::string path = dir.file("a", "old");
  std::filesystem::create_hard_link(path, dir / "b");
  write(path, "new");
  CHECK(slurp(dir / "b") == "old");
}

TEST_CASE("atomic file: places that cannot be written") {
  const TempDir dir;
  const auto refuse = [](const std::string& path, std::string_view code, std::string_view part) {
    check_refused([&] { write(path, "x"); }, code, {part}, Exit::output);
  };
  refuse(dir / "no/such/folder", "output.open", "No such file or directory");
  refuse(dir.file("file", "") + "/x", "output.open", "Not a directory");
  refuse(dir / "", "output.not-regular", "is a directory");
  refuse("/dev/full", "output.not-regular", "device");
  refuse("", "output.open", "not a usable path");
  refuse(std::string("a\0b", 3), "output.open", "a\\x00b");
  refuse(dir / std::string(256, 'n'), "output.rename", "too long");
  refuse("/proc/triptych-test", "output.open", "/proc/triptych-test");
  CHECK(dir.entries() == 1);
}

TEST_CASE("atomic file: short and interrupted calls are carried on") {
  const TempDir dir;
  FileCalls calls;
  calls.write = short_and_interrupted;
  write(dir / "a", "in pieces of three", calls);
  CHECK(slurp(dir / "a") == "in pieces of three");
  calls = {};
  calls.fsync = fsync_interrupted;
  calls.close = interrupted_close;
  calls_seen = 0;
  write(dir / "a", "again", calls);
  CHECK(slurp(dir / "a") == "again");
  calls = {};
  calls.fsync = fsync_unsupported_second;  // a file system that does not sync folders
  calls_seen = 0;
  CHECK_NOTHROW(write(dir / "a", "third", calls));
}

TEST_CASE("atomic file: every failing call is reported and undone") {
  FileCalls calls;
  calls.write = full_after_one;
  check_failure(calls, "output.write", "after 4 of 15 bytes: No space left on device");
  calls = {};
  calls.write = corrupting;
  check_failure(calls, "output.verify", "other bytes");
  calls.write = vanishing;
  check_failure(calls, "output.verify", "other bytes");
  calls = {};
  calls.fsync = failing_fsync;
  check_failure(calls, "output.sync", "Input/output error");
  calls = {};
  calls.close = failing_close;
  check_failure(calls, "output.close", "quota");
  calls = {};
  calls.rename = failing_rename;
  check_failure(calls, "output.rename", "Permission denied");
}

TEST_CASE("atomic file: a folder that cannot be synced is reported after the rename") {
  const TempDir dir;
  FileCalls calls;
  calls.fsync = fsync_failing_second;
  calls_seen = 0;
  check_refused([&] { write(dir / "a", "new", calls); }, "output.sync-directory", {"written, but"}, Exit::output);
  CHECK(slurp(dir / "a") == "new");
  CHECK(dir.entries() == 1);
}

TEST_CASE("atomic file: a disk that fills at any byte leaves the old file of every format") {
  const TempDir dir;
  const Array array = make_array({5, 4}, std::vector<float>(20, 1.5f));
  const std::vector<std::pair<std::string, void (*)(const std::string&, const Array&)>> writers{
      {"a.npy", [](const std::string& path, const Array& a) { write_npy(path, a); }},
      {"a.npz",
       [](const std::string& path, const Array& a) {
         write_npz(path, {{"x", a}});
       }},
      {"a.safetensors", [](const std::string& path, const Array& a) {
         write_safetensors(path, {{}, {{"x", a}}});
       }}};
  for (const auto& [name, writer] : writers) {
    writer(dir / name, array);
    const std::string old = slurp(dir / name);
    for (std::size_t limit = 0; limit < old.size(); limit += 7) {
      const FileSizeLimit full(limit);
      try {
        writer(dir / name, array);
        FAIL_CHECK("written in spite of the limit");
      } catch (const Error& error) {
        CHECK(error.exit == Exit::output);
        CHECK(error.code == "output.write");
      }
      CHECK(slurp(dir / name) == old);
    }
  }
  CHECK(dir.entries() == 3);
}
