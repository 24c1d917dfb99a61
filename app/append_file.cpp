#include "app/append_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "core/error.h"

namespace triptych::app {

void AppendFile::fail(const std::string& what, const std::string& problem, int error) const {
  throw Error(Exit::output, kind_ + "." + what, escape_text(path_, 4096) + ": " + problem + ": " + std::strerror(error),
              path_, "free some space or check the permissions, then go on with --resume");
}

AppendFile::AppendFile(const std::string& path, std::string kind) : path_(path), kind_(std::move(kind)) {
  file_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (file_ < 0) fail("open", "cannot be opened", errno);
}

AppendFile::~AppendFile() { ::close(file_); }

void AppendFile::append(std::span<const std::byte> bytes) {
  const off_t before = ::lseek(file_, 0, SEEK_END);
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t put = ::write(file_, bytes.data() + done, bytes.size() - done);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) {
      const int error = put == 0 ? ENOSPC : errno;
      if (done > 0 && ::ftruncate(file_, before) != 0) fail("write", "a part of the last entry is left", error);
      fail("write", "cannot be written", error);
    }
    done += static_cast<std::size_t>(put);
  }
}

}  // namespace triptych::app
