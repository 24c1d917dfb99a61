// A file that grows by whole pieces: the logs of a run.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace triptych::app {

class AppendFile {
 public:
  // Opens path for appending, made when missing. `kind` begins the codes of its errors. Throws Error(output,
  // "<kind>.open").
  AppendFile(const std::string& path, std::string kind);
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  // Hands the bytes to the system. When the disk is full the file keeps what was there before, and Error(output,
  // "<kind>.write") is thrown.
  void append(std::span<const std::byte> bytes);

 private:
  [[noreturn]] void fail(const std::string& what, const std::string& problem, int error) const;
  std::string path_, kind_;
  int file_ = -1;
};

}  // namespace triptych::app
