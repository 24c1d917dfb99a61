// Shared by the tests of data/: temporary folders, files as strings, and the checks every refusal has to pass.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"

namespace triptych::io_test {

// A fresh folder, removed with what is in it at the end of the scope.
class TempDir {
 public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "triptych-test-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  std::string operator/(std::string_view name) const { return (path_ / name).string(); }
  std::size_t entries() const {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator(path_), std::filesystem::directory_iterator()));
  }
  // Writes a file and returns its path.
  std::string file(std::string_view name, std::string_view content) const {
    const std::string path = *this / name;
    std::ofstream(path, std::ios::binary).write(content.data(), static_cast<std::streamsize>(content.size()));
    return path;
  }

 private:
  std::filesystem::path path_;
};

inline std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline std::string to_string(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// The bytes of a value, as they lie in a little-endian file.
template <class T>
std::string raw(T value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

// Highest resident memory of this process so far, in bytes.
inline std::size_t peak_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    std::size_t kilobytes = 0;
    if (word == "VmHWM:" && status >> kilobytes) return kilobytes * 1024;
  }
  return 0;
}

// call must throw Error with this exit and code, in one printable line that holds all of parts, within twice
// the file's size and 64 MiB.
template <class F>
Error check_refused(F&& call, std::string_view code, std::initializer_list<std::string_view> parts,
                    Exit exit = Exit::input, std::size_t file_bytes = 0) {
  const std::size_t before = peak_memory();
  try {
    call();
  } catch (const Error& error) {
    const std::string what = error.what();
    CAPTURE(what);
    CHECK(error.exit == exit);
    CHECK(error.code == code);
    for (const auto part : parts) {
      CAPTURE(part);
      CHECK(what.find(part) != std::string::npos);
    }
    CHECK(what.find_first_of("\n\r\x1b") == std::string::npos);
    CHECK(is_utf8(what));
    CHECK(peak_memory() < before + 2 * file_bytes + (std::size_t{64} << 20));
    return error;
  }
  FAIL_CHECK("accepted, expected the refusal ", std::string(code));
  return {Exit::ok, "", ""};
}

}  // namespace triptych::io_test
