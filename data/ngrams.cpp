#include "data/ngrams.h"

#include <array>

namespace triptych::data {
namespace {

constexpr std::array<std::uint32_t, 256> crc_table = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320u : 0u);
    table[i] = crc;
  }
  return table;
}();

// Code points of one or two bytes (below U+0800); all case pairs handled here lie there.
std::uint32_t lower(std::uint32_t c) {
  if (c >= 'A' && c <= 'Z') return c + 32;
  if (c >= 0xC0 && c <= 0xDE && c != 0xD7) return c + 32;  // 0xD7 is the multiplication sign
  if (c == 0x130) return 'i';
  if (c == 0x178) return 0xFF;
  // Latin Extended-A: capitals are even in these ranges ...
  if ((c >= 0x100 && c <= 0x137) || (c >= 0x14A && c <= 0x177)) return c | 1;
  // ... and odd in these.
  if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E)) return (c & 1) != 0 ? c + 1 : c;
  if (c >= 0x400 && c <= 0x40F) return c + 80;
  if (c >= 0x410 && c <= 0x42F) return c + 32;
  return c;
}

bool continues(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

}  // namespace

std::uint32_t crc32(std::string_view bytes) {
  std::uint32_t crc = 0xFFFFFFFFu;
  for (const char c : bytes) crc = (crc >> 8) ^ crc_table[(crc ^ static_cast<unsigned char>(c)) & 0xFF];
  return ~crc;
}

std::string lower_case(std::string_view utf8) {
  std::string out;
  out.reserve(utf8.size());
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    const auto first = static_cast<unsigned char>(utf8[i]);
    const bool pair = first >= 0xC2 && first <= 0xDF && i + 1 < utf8.size();
    if (first >= 0x80 && !pair) {
      out += utf8[i];
      continue;
    }
    const std::uint32_t c =
        lower(pair ? (first & 0x1Fu) << 6 | (static_cast<unsigned char>(utf8[++i]) & 0x3Fu) : first);
    if (c >= 0x80) out += static_cast<char>(0xC0 | c >> 6);
    out += static_cast<char>(c >= 0x80 ? 0x80 | (c & 0x3F) : c);
  }
  return out;
}

void append_ngrams(std::string_view phrase, std::uint32_t buckets, std::vector<std::int32_t>& out) {
  const std::string padded = ' ' + lower_case(phrase) + ' ';
  const auto add = [&](std::string_view gram) { out.push_back(static_cast<std::int32_t>(crc32(gram) % buckets)); };
  add(padded);
  std::vector<std::size_t> start;  // byte position of each code point, and the end
  for (std::size_t i = 0; i < padded.size(); ++i) {
    if (!continues(padded[i])) start.push_back(i);
  }
  start.push_back(padded.size());
  for (std::size_t n = 2; n <= 4; ++n) {
    for (std::size_t i = 0; i + n < start.size(); ++i) {
      add(std::string_view(padded).substr(start[i], start[i + n] - start[i]));
    }
  }
}

}  // namespace triptych::data
