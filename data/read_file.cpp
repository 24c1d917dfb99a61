#include "data/read_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

#include "core/error.h"

namespace triptych::data {
namespace {

struct Descriptor {
  int fd;
  explicit Descriptor(int value) : fd(value) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

[[noreturn]] void refuse_open(const std::string& path, int error) {
  struct stat link {};
  if (error == ENOENT && ::lstat(path.c_str(), &link) == 0 && S_ISLNK(link.st_mode)) {
    reject_input("file.link", path, "", "is a symbolic link whose target does not exist", "restore the link's target");
  }
  // ENXIO: a socket, or a device without a driver.
  if (error == ENXIO) reject_input("file.not-regular", path, "", "is a socket or device, expected a regular file");
  const bool missing = error == ENOENT || error == ENOTDIR;
  reject_input(missing ? "file.missing" : "file.open", path, "",
               missing ? "no such file" : std::string("cannot be opened: ") + std::strerror(error),
               missing ? "check the path" : "check the file's permissions");
}

const char* kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

}  // namespace

std::uint64_t physical_memory() {
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page = ::sysconf(_SC_PAGESIZE);
  if (pages <= 0 || page <= 0) return UINT64_MAX;
  return static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page);
}

std::vector<std::byte> read_file(const std::string& path, std::uint64_t max_bytes) {
  // open() would use only what precedes the NUL: some other file.
  if (path.find('\0') != std::string::npos) reject_input("file.open", path, "", "the path contains a NUL character");
  // O_NONBLOCK: opening a FIFO without a writer would otherwise wait for one before we can see what it is.
  int fd;
  do {
    fd = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) refuse_open(path, errno);
  const Descriptor file(fd);

  struct stat status {};
  if (::fstat(fd, &status) != 0) reject_input("file.read", path, "", std::string("fstat: ") + std::strerror(errno));
  if (!S_ISREG(status.st_mode)) {
    reject_input("file.not-regular", path, "",
                 std::string("is ") + kind_of(status.st_mode) + ", expected a regular file",
                 S_ISDIR(status.st_mode) ? "name a file inside it" : "copy the data to a file first");
  }
  const auto size = static_cast<std::uint64_t>(status.st_size);
  const auto too_large = [&] {
    return Error(Exit::resources, "file.too-large",
                 escape_text(path, 4096) + ": holds " + std::to_string(size) + " bytes, at most " +
                     std::to_string(max_bytes) + " can be read into memory here",
                 path, "split the file into shards");
  };
  if (size > max_bytes) throw too_large();

  std::vector<std::byte> bytes;
  try {
    bytes.resize(size);
  } catch (const std::bad_alloc&) {
    throw too_large();
  } catch (const std::length_error&) {
    throw too_large();
  }
  // One byte more than expected is asked for, so that a file that grew is noticed too.
  std::size_t done = 0;
  std::byte extra{};
  for (;;) {
    constexpr std::size_t largest_read = std::size_t{1} << 30;
    const bool full = done == bytes.size();
    const ssize_t got =
        ::read(fd, full ? &extra : bytes.data() + done, full ? 1 : std::min(bytes.size() - done, largest_read));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      reject_input("file.read", path, "byte " + std::to_string(done),
                   std::string("read failed: ") + std::strerror(errno));
    }
    if (got == 0 && full) return bytes;
    if (got == 0 || full) {
      reject_input("file.changed", path, "byte " + std::to_string(done),
                   std::string(full ? "the file grew" : "the file ended") + " while it was read, expected " +
                       std::to_string(size) + " bytes",
                   "wait until the program writing it is done");
    }
    done += static_cast<std::size_t>(got);
  }
}

}  // namespace triptych::data
