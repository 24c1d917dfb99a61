// Replacing a file so that at every moment, power loss included, its path holds the old or the new content whole.
#pragma once

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <span>
#include <string>

namespace triptych::data {

// The system calls that can fail half-way; tests put failing ones in their place.
struct FileCalls {
  ssize_t (*write)(int, const void*, std::size_t) = ::write;
  int (*fsync)(int) = ::fsync;
  int (*close)(int) = ::close;
  int (*rename)(const char*, const char*) = std::rename;
};

// Procedure: exclusive temporary ".triptych-<process id>-<number>.tmp" in the same directory, write all, fsync, close,
// read it back and compare, rename over path, fsync the directory. The file gets the mode of the one it replaces, or
// 0666 less the umask. A symbolic link stays one: its target is replaced.
//
// Throws Error(output, ...) with the system's text; path is then as it was and the temporary is gone:
//   "output.open", "output.write", "output.sync", "output.close", "output.verify", "output.rename",
//   "output.not-regular" (path is a directory, FIFO or device)
// Only "output.sync-directory" comes after the rename: the new content is there but may not survive a power loss.
// A process limit on file size (RLIMIT_FSIZE) is reported like a full disk only if SIGXFSZ is ignored.
void write_file_atomically(const std::string& path, std::span<const std::byte> bytes, const FileCalls& calls = {});

}  // namespace triptych::data
