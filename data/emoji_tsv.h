// Strict reading of tab-separated UTF-8 text without quoting, line by line.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace triptych::data {

class TsvReader {
 public:
  // Throws Error(input, "emoji.empty" or "emoji.truncated") unless there is text and it ends in '\n'.
  TsvReader(std::span<const std::byte> bytes, std::string file);

  // Splits the next line into fields; false after the last one. Throws Error(input, "emoji.encoding") for bytes that
  // are not UTF-8 or are control characters.
  bool next();
  const std::vector<std::string_view>& fields() const { return fields_; }
  // The same, and throws Error(input, "emoji.columns") unless the line has `columns` fields, none empty but those
  // from `optional` on.
  bool next(std::size_t columns, std::size_t optional);

  // Throws Error(input, code, "<file>: line <n>: <problem>").
  [[noreturn]] void fail(const char* code, const std::string& problem, const std::string& hint = {}) const;

 private:
  std::string file_;
  std::string_view rest_;
  std::size_t line_ = 0;
  std::vector<std::string_view> fields_;
};

}  // namespace triptych::data
