#include "core/error.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <utility>

namespace triptych {
namespace {

struct CodePoint {
  char32_t value = 0;
  std::size_t length = 0;  // bytes; 0 when the bytes are not well-formed UTF-8
};

// First code point of a non-empty text. The bounds per length exclude overlong forms.
CodePoint decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  if (first < 0x80) return {first, 1};
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return {};
  char32_t value = first & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0u) != 0x80) return {};
    value = (value << 6) | (byte(i) & 0x3Fu);
  }
  const char32_t least = length == 4 ? 0x10000 : length == 3 ? 0x800 : 0x80;
  if (value < least || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return {};
  return {value, length};
}

// C1 controls and the characters that hide or reorder their neighbours on a terminal or in a page.
bool is_deceptive(char32_t c) {
  return (c >= 0x80 && c <= 0x9F) || c == 0xAD || c == 0x61C || (c >= 0x200B && c <= 0x200F) ||
         (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFB) ||
         (c >= 0xE0000 && c <= 0xE007F);
}

void append_hex(std::string& out, const char* format, unsigned value) {
  char buffer[16];
  std::snprintf(buffer, sizeof buffer, format, value);
  out += buffer;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::size_t edit_distance(std::string_view a, std::string_view b) {
  // Three rolling rows: a swap of neighbours looks two rows back.
  std::vector<std::size_t> before(b.size() + 1), previous(b.size() + 1), current(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) previous[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      current[j] = std::min({previous[j] + 1, current[j - 1] + 1, previous[j - 1] + (same ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]);
      if (swapped) current[j] = std::min(current[j], before[j - 2] + 1);
    }
    std::swap(before, previous);
    std::swap(previous, current);
  }
  return previous[b.size()];
}

}  // namespace

Error::Error(Exit exit_status, std::string code_text, std::string message, std::string file_path, std::string hint_text)
    : std::runtime_error(message),
      exit(exit_status),
      code(std::move(code_text)),
      file(std::move(file_path)),
      hint(std::move(hint_text)) {}

void reject_input(std::string code, const std::string& file, const std::string& place, const std::string& problem,
                  std::string hint) {
  // Paths may be up to PATH_MAX long and must stay whole, or the message does not say which file.
  std::string message = escape_text(file, 4096);
  if (!place.empty()) message += (message.empty() ? "" : ": ") + place;
  message += (message.empty() ? "" : ": ") + problem;
  throw Error(Exit::input, std::move(code), message, file, std::move(hint));
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  constexpr std::size_t longest = 64;
  if (word.empty() || word.size() > longest) return {};
  std::string best;
  std::size_t best_distance = std::numeric_limits<std::size_t>::max();
  for (const auto& candidate : candidates) {
    if (candidate.size() > 2 * longest) continue;
    const std::size_t distance = edit_distance(word, candidate);
    const std::size_t allowed = std::max<std::size_t>(1, std::max(word.size(), candidate.size()) / 3);
    // A one-letter word is one edit away from every other one, which says nothing.
    if (distance > allowed || distance >= std::max(word.size(), candidate.size())) continue;
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string suggest(std::string_view word, const std::vector<std::string>& known, std::size_t most) {
  if (const std::string close = nearest(word, known); !close.empty())
    return "did you mean '" + escape_text(close) + "'?";
  std::string all;
  for (std::size_t i = 0; i < std::min(known.size(), most); ++i) all += (i == 0 ? "" : ", ") + escape_text(known[i]);
  if (known.size() > most) all += ", ... (" + std::to_string(known.size()) + " in all)";
  return known.empty() ? "there are none" : "known: " + all;
}

std::string escape_text(std::string_view text, std::size_t max_bytes) {
  std::string out;
  std::size_t at = 0;
  while (at < text.size() && at < max_bytes) {
    const CodePoint point = decode(text.substr(at));
    const unsigned byte = static_cast<unsigned char>(text[at]);
    if (point.length == 0) {
      append_hex(out, "\\x%02x", byte);
      ++at;
      continue;
    }
    switch (point.value) {
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        if (point.value < 0x20 || point.value == 0x7F) {
          append_hex(out, "\\x%02x", byte);
        } else if (is_deceptive(point.value)) {
          append_hex(out, "\\u{%x}", static_cast<unsigned>(point.value));
        } else {
          out += text.substr(at, point.length);
        }
    }
    at += point.length;
  }
  if (at < text.size()) out += "... (" + std::to_string(text.size()) + " bytes)";
  return out;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const CodePoint point = decode(text);
    if (point.length == 0) return false;
    text.remove_prefix(point.length);
  }
  return true;
}

}  // namespace triptych
