#include "data/emoji_tsv.h"

#include <utility>

#include "core/error.h"
#include "data/bytes.h"

namespace triptych::data {

TsvReader::TsvReader(std::span<const std::byte> bytes, std::string file)
    : file_(std::move(file)), rest_(as_text(bytes)) {
  if (rest_.empty()) reject_input("emoji.empty", file_, "", "is empty, expected UTF-8 text");
  if (rest_.back() != '\n') {
    reject_input("emoji.truncated", file_, "", "does not end in a line end: its last line may be cut off",
                 "copy the file again, or end its last line");
  }
}

bool TsvReader::next() {
  if (rest_.empty()) return false;
  ++line_;
  const std::size_t end = rest_.find('\n');
  const std::string_view line = rest_.substr(0, end);
  rest_.remove_prefix(end + 1);
  if (!is_utf8(line)) fail("emoji.encoding", "found '" + escape_text(line, 64) + "', expected UTF-8");
  for (const char c : line) {
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F) continue;
    if (c == '\t') continue;
    fail("emoji.encoding", "found the control character " + escape_text({&c, 1}) + ", expected plain text",
         c == '\r' ? "save the file with Unix line ends" : "");
  }
  fields_.clear();
  for (std::size_t begin = 0;;) {
    const std::size_t tab = line.find('\t', begin);
    fields_.push_back(line.substr(begin, tab - begin));
    if (tab == std::string_view::npos) return true;
    begin = tab + 1;
  }
}

bool TsvReader::next(std::size_t columns, std::size_t optional) {
  if (!next()) return false;
  if (fields_.size() != columns) {
    fail("emoji.columns",
         "found " + std::to_string(fields_.size()) + " tab-separated columns, expected " + std::to_string(columns));
  }
  for (std::size_t i = 0; i < optional; ++i) {
    if (fields_[i].empty()) fail("emoji.columns", "column " + std::to_string(i + 1) + " is empty, expected text");
  }
  return true;
}

void TsvReader::fail(const char* code, const std::string& problem, const std::string& hint) const {
  reject_input(code, file_, "line " + std::to_string(line_), problem, hint);
}

}  // namespace triptych::data
