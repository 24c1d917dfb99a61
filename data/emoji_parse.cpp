// From the bytes of the five files to EmojiPairs, refusing whatever does not fit together.
#include <algorithm>
#include <charconv>
#include <unordered_map>
#include <utility>

#include "core/error.h"
#include "data/emoji.h"
#include "data/emoji_tsv.h"
#include "data/npz.h"

namespace triptych::data {
namespace {

std::string quoted(std::string_view text) { return "'" + escape_text(text, 64) + "'"; }

std::string hex(std::uint32_t codepoint) {
  char digits[8];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, codepoint, 16);
  (void)error;  // 32 bits have at most 8 digits
  std::string text(digits, end);
  for (char& c : text) c = static_cast<char>(c >= 'a' ? c - 'a' + 'A' : c);
  return text;
}

// One name a line, all different.
std::vector<std::string> parse_names(std::span<const std::byte> bytes, const std::string& file) {
  TsvReader lines(bytes, file);
  std::vector<std::string> names;
  std::unordered_map<std::string, std::size_t> line_of;
  while (lines.next(1, 1)) {
    names.emplace_back(lines.fields()[0]);
    const auto [first, fresh] = line_of.emplace(names.back(), names.size());
    if (!fresh) {
      lines.fail("emoji.repeated", "found " + quoted(names.back()) + " again, expected it on line " +
                                       std::to_string(first->second) + " only");
    }
  }
  return names;
}

void require_header(TsvReader& lines, const std::vector<std::string_view>& expected) {
  if (lines.next() && lines.fields() == expected) return;
  std::string found, wanted;
  for (const auto name : lines.fields()) found += (found.empty() ? "" : ", ") + escape_text(name, 32);
  for (const auto name : expected) wanted += (wanted.empty() ? "" : ", ") + std::string(name);
  lines.fail("emoji.columns", "found the columns " + escape_text(found) + ", expected " + wanted);
}

std::uint32_t parse_codepoint(const TsvReader& lines, std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc() || end != text.data() + text.size() || value > 0x10FFFF) {
    lines.fail("emoji.codepoint",
               "found the code point " + quoted(text) + ", expected hexadecimal digits up to 10FFFF");
  }
  return value;
}

std::int32_t position_of(const TsvReader& lines, std::string_view name, const std::vector<std::string>& names,
                         const std::string& list) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    const std::string close = nearest(name, names);
    lines.fail("emoji.group", "found " + quoted(name) + ", expected a name listed in " + list,
               close.empty() ? "" : "did you mean " + quoted(close) + "?");
  }
  return static_cast<std::int32_t>(found - names.begin());
}

bool parse_train(const TsvReader& lines, std::string_view word, const char* column) {
  if (word != "train" && word != "test") {
    lines.fail("emoji.split", std::string(column) + " is " + quoted(word) + ", expected train or test");
  }
  return word == "train";
}

void parse_concepts(std::span<const std::byte> bytes, const std::string& file, EmojiPairs& pairs) {
  std::vector<std::string_view> header{"codepoint", "english", "group", "subgroup", "split", "split_hard"};
  TsvReader probe(bytes, file);
  pairs.has_hard_split = !probe.next() || probe.fields().size() != 5;
  if (!pairs.has_hard_split) header.pop_back();

  TsvReader lines(bytes, file);
  require_header(lines, header);
  std::unordered_map<std::uint32_t, std::size_t> line_of;
  while (lines.next(header.size(), header.size())) {
    const auto& f = lines.fields();
    EmojiConcept entry{.codepoint = parse_codepoint(lines, f[0]),
                       .english = std::string(f[1]),
                       .group = position_of(lines, f[2], pairs.groups, "groups.txt"),
                       .subgroup = position_of(lines, f[3], pairs.subgroups, "subgroups.txt"),
                       .train = {parse_train(lines, f[4], "split"), false}};
    if (pairs.has_hard_split) entry.train[1] = parse_train(lines, f[5], "split_hard");
    const auto [first, fresh] = line_of.emplace(entry.codepoint, pairs.concepts.size() + 2);
    if (!fresh) {
      lines.fail("emoji.repeated", "found code point " + hex(entry.codepoint) + " again, expected it on line " +
                                       std::to_string(first->second) + " only");
    }
    pairs.concepts.push_back(std::move(entry));
  }
  if (pairs.concepts.empty()) reject_input("emoji.empty", file, "", "has no concepts, expected at least one row");
}

std::vector<std::string> split_keywords(std::string_view text) {
  std::vector<std::string> keywords;
  while (!text.empty()) {
    const std::size_t bar = std::min(text.find('|'), text.size());
    if (bar > 0) keywords.emplace_back(text.substr(0, bar));
    text.remove_prefix(std::min(bar + 1, text.size()));
  }
  return keywords;
}

void parse_texts(std::span<const std::byte> bytes, const std::string& file, EmojiPairs& pairs) {
  TsvReader lines(bytes, file);
  require_header(lines, {"language", "codepoint", "name", "keywords"});
  const std::size_t n = pairs.concepts.size();
  while (lines.next(4, 3)) {
    const auto& f = lines.fields();
    const auto found = std::find(pairs.languages.begin(), pairs.languages.end(), f[0]);
    const auto language = static_cast<std::size_t>(found - pairs.languages.begin());
    if (found == pairs.languages.end()) {
      pairs.languages.emplace_back(f[0]);
      pairs.texts.emplace_back().reserve(n);
    }
    auto& texts = pairs.texts[language];
    if (texts.size() == n) {
      lines.fail("emoji.rows", "found another row of language " + quoted(f[0]) + ", expected " + std::to_string(n) +
                                   ", one per row of concepts.tsv");
    }
    const std::uint32_t expected = pairs.concepts[texts.size()].codepoint;
    if (parse_codepoint(lines, f[1]) != expected) {
      lines.fail("emoji.order", "found code point " + quoted(f[1]) + " for language " + quoted(f[0]) + ", expected " +
                                    hex(expected) + " as in row " + std::to_string(texts.size() + 1) +
                                    " of concepts.tsv");
    }
    texts.push_back({std::string(f[2]), split_keywords(f[3])});
  }
  if (pairs.languages.empty()) reject_input("emoji.empty", file, "", "has no texts, expected at least one language");
  for (std::size_t l = 0; l < pairs.texts.size(); ++l) {
    const std::size_t rows = pairs.texts[l].size();
    if (rows == n) continue;
    reject_input("emoji.rows", file, "language " + quoted(pairs.languages[l]),
                 "found " + std::to_string(rows) + " rows, expected " + std::to_string(n) +
                     "; the first missing one is " + hex(pairs.concepts[rows].codepoint));
  }
}

void parse_images(std::span<const std::byte> bytes, const std::string& file, EmojiPairs& pairs) {
  NamedArrays arrays = parse_npz(bytes, file);
  const auto n = static_cast<std::int64_t>(pairs.concepts.size());
  const auto member = [](const std::string& name) { return "array " + quoted(name); };

  // The integers must say what concepts.tsv says, row for row.
  const auto check = [&](const std::string& name, auto&& expected, const char* code) {
    const auto found = std::find_if(arrays.begin(), arrays.end(), [&](const auto& a) { return a.first == name; });
    if (found == arrays.end()) reject_input("emoji.array", file, member(name), "is missing, expected integers (n,)");
    const Array& array = found->second;
    if (array.shape.size() != 1 || is_floating(array.dtype) || array.dtype == Dtype::boolean) {
      reject_input(
          "emoji.array", file, member(name),
          "is " + std::string(dtype_name(array.dtype)) + " " + shape_text(array.shape) + ", expected integers (n,)");
    }
    if (array.rows() != n) {
      reject_input(
          "emoji.rows", file, member(name),
          "has " + std::to_string(array.rows()) + " rows, expected " + std::to_string(n) + " as concepts.tsv has");
    }
    const auto values = to_int64s(array, file, name);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::int64_t want = expected(pairs.concepts[i]);
      if (values[i] == want) continue;
      reject_input(code, file, member(name) + ": row " + std::to_string(i),
                   "is " + std::to_string(values[i]) + ", expected " + std::to_string(want) + " (code point " +
                       hex(pairs.concepts[i].codepoint) + " in concepts.tsv)");
    }
    arrays.erase(found);
  };
  check(
      "codepoint", [](const EmojiConcept& c) { return std::int64_t{c.codepoint}; }, "emoji.order");
  check(
      "group", [](const EmojiConcept& c) { return std::int64_t{c.group}; }, "emoji.group");
  check(
      "subgroup", [](const EmojiConcept& c) { return std::int64_t{c.subgroup}; }, "emoji.group");

  for (auto& [name, array] : arrays) {
    if (array.dtype != Dtype::u8 || array.shape.size() != 4 || array.shape[1] != emoji_side ||
        array.shape[2] != emoji_side || array.shape[3] != 3) {
      reject_input("emoji.array", file, member(name),
                   "is " + std::string(dtype_name(array.dtype)) + " " + shape_text(array.shape) +
                       ", expected uint8 (n, 32, 32, 3)");
    }
    if (array.rows() != n) {
      reject_input("emoji.rows", file, member(name),
                   "has " + std::to_string(array.rows()) + " images, expected " + std::to_string(n) +
                       " as concepts.tsv has rows");
    }
    const auto* pixels = reinterpret_cast<const std::uint8_t*>(array.bytes.data());
    pairs.images.emplace_back(pixels, pixels + array.bytes.size());
    pairs.styles.push_back(std::move(name));
    array.bytes = {};
  }
  if (pairs.styles.empty()) {
    reject_input("emoji.empty", file, "", "has no images, expected at least one array uint8 (n, 32, 32, 3)");
  }
}

}  // namespace

EmojiPairs parse_emoji(const EmojiFiles& files) {
  const auto file = [&](const char* name) { return files.source + "/" + name; };
  EmojiPairs pairs;
  pairs.source = files.source;
  pairs.groups = parse_names(files.groups, file("groups.txt"));
  pairs.subgroups = parse_names(files.subgroups, file("subgroups.txt"));
  parse_concepts(files.concepts, file("concepts.tsv"), pairs);
  parse_images(files.images, file("images.npz"), pairs);
  parse_texts(files.text, file("text.tsv"), pairs);
  return pairs;
}

}  // namespace triptych::data
