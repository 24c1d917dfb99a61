// The emoji pairs: real images and texts of the same concepts, with known private factors.
//
//                shared              private
//   image        the concept         the art style (noto, twemoji, unifont, ...)
//   text         the concept         the language (en, de, ja, ...)
//
// A sample draws concept, style and language independently, so style and language are private by construction.
// The built-in set travels inside the library (data/emoji/embed.S) and needs no file at run time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace triptych::data {

inline constexpr std::int64_t emoji_side = 32;                            // pixels
inline constexpr std::int64_t emoji_bytes = emoji_side * emoji_side * 3;  // of one picture

// Two ways to hold out concepts: stratified by group, or (hard) whole subgroups at once.
enum class EmojiSplit { standard, hard };

struct EmojiConcept {
  std::uint32_t codepoint = 0;
  std::string english;
  std::int32_t group = 0, subgroup = 0;  // positions in EmojiPairs::groups and subgroups
  std::array<bool, 2> train{};           // by EmojiSplit; false means test
};

struct EmojiText {
  std::string name;
  std::vector<std::string> keywords;  // may be empty
};

struct EmojiPairs {
  std::string source;  // "built-in emoji" or the folder
  std::vector<std::string> styles, languages, groups, subgroups;
  std::vector<EmojiConcept> concepts;
  std::vector<std::vector<std::uint8_t>> images;  // per style (concepts, 32, 32, 3), RGB on white
  std::vector<std::vector<EmojiText>> texts;      // [language][concept]
  bool has_hard_split = true;

  // 32 x 32 x 3 bytes.
  const std::uint8_t* picture(std::size_t style, std::size_t concept_index) const {
    return images[style].data() + concept_index * emoji_bytes;
  }
  // Positions of the training or test concepts, ascending; may be empty. Throws Error(input, "emoji.no-hard-split")
  // when the set does not name the hard split.
  std::vector<std::int32_t> training(EmojiSplit split) const;
  std::vector<std::int32_t> test(EmojiSplit split) const;
  // 16 hexadecimal digits over everything above but source: equal sets have equal ones wherever they were read.
  // FNV-1a of 64 bits.
  std::string fingerprint() const;
};

EmojiPairs load_emoji();

// Reads FOLDER/{images.npz, text.tsv, concepts.tsv, groups.txt, subgroups.txt}. Any number of styles, languages and
// concepts of at least one; the column split_hard may be absent and no concept need be one for training.
//   images.npz    codepoint, group, subgroup: integers (n); every other array is a style: uint8 (n, 32, 32, 3)
//   concepts.tsv  codepoint (hexadecimal), english, group, subgroup, split [, split_hard]; each split train or test
//   text.tsv      language, codepoint, name, keywords joined by '|'; one row per concept and language; the concepts of
//                 a language in the order of concepts.tsv; languages are numbered as they first appear
//   *.txt         one name a line; "group" and "subgroup" of images.npz count them from 0
// All text is UTF-8 without control characters, every line ends in '\n'. Throws Error(input, ...) naming file, line,
// what was found and what was expected: what read_file and read_npz throw, and "emoji.encoding", "emoji.truncated",
// "emoji.columns", "emoji.empty", "emoji.repeated", "emoji.codepoint", "emoji.group", "emoji.split", "emoji.order",
// "emoji.rows", "emoji.array".
EmojiPairs load_emoji(const std::string& folder);

// The bytes of the five files, for the two forms above. source names the folder in messages.
struct EmojiFiles {
  std::string source;
  std::span<const std::byte> images, text, concepts, groups, subgroups;
};
EmojiPairs parse_emoji(const EmojiFiles& files);

}  // namespace triptych::data
