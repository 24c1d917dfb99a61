#include "data/emoji.h"

#include <cstdio>

#include "core/error.h"
#include "data/read_file.h"

// The files as data/emoji/embed.S laid them out.
extern "C" {
extern const std::byte triptych_emoji_images[], triptych_emoji_images_end[];
extern const std::byte triptych_emoji_text[], triptych_emoji_text_end[];
extern const std::byte triptych_emoji_concepts[], triptych_emoji_concepts_end[];
extern const std::byte triptych_emoji_groups[], triptych_emoji_groups_end[];
extern const std::byte triptych_emoji_subgroups[], triptych_emoji_subgroups_end[];
}

namespace triptych::data {
namespace {

std::vector<std::int32_t> chosen(const EmojiPairs& pairs, EmojiSplit split, bool train) {
  if (split == EmojiSplit::hard && !pairs.has_hard_split) {
    reject_input("emoji.no-hard-split", pairs.source, "concepts.tsv", "has no column split_hard, which was asked for",
                 "use the split 'split'");
  }
  std::vector<std::int32_t> positions;
  for (std::size_t i = 0; i < pairs.concepts.size(); ++i) {
    if (pairs.concepts[i].train[static_cast<std::size_t>(split)] == train) {
      positions.push_back(static_cast<std::int32_t>(i));
    }
  }
  return positions;
}

// FNV-1a (Fowler, Noll, Vo), 64 bits. Every piece is preceded by its length, so that no two sets run together.
class Fnv {
 public:
  void add(const void* data, std::size_t size) {
    mix(size);
    for (const auto* p = static_cast<const unsigned char*>(data); size-- > 0; ++p) {
      hash_ = (hash_ ^ *p) * 0x100000001B3u;
    }
  }
  void add(const std::string& text) { add(text.data(), text.size()); }
  void add(const std::vector<std::string>& texts) {
    mix(texts.size());
    for (const auto& text : texts) add(text);
  }
  void mix(std::uint64_t number) {
    for (int byte = 0; byte < 8; ++byte, number >>= 8) hash_ = (hash_ ^ (number & 0xFF)) * 0x100000001B3u;
  }
  std::uint64_t value() const { return hash_; }

 private:
  std::uint64_t hash_ = 0xCBF29CE484222325u;
};

}  // namespace

std::vector<std::int32_t> EmojiPairs::training(EmojiSplit split) const { return chosen(*this, split, true); }
std::vector<std::int32_t> EmojiPairs::test(EmojiSplit split) const { return chosen(*this, split, false); }

std::string EmojiPairs::fingerprint() const {
  Fnv hash;
  for (const auto* names : {&styles, &languages, &groups, &subgroups}) hash.add(*names);
  hash.mix(has_hard_split);
  for (const auto& c : concepts) {
    for (const std::int64_t n : {std::int64_t{c.codepoint}, std::int64_t{c.group}, std::int64_t{c.subgroup},
                                 std::int64_t{c.train[0]}, std::int64_t{c.train[1]}}) {
      hash.mix(static_cast<std::uint64_t>(n));
    }
    hash.add(c.english);
  }
  for (const auto& style : images) hash.add(style.data(), style.size());
  for (const auto& language : texts) {
    for (const auto& text : language) {
      hash.add(text.name);
      hash.add(text.keywords);
    }
  }
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(hash.value()));
  return digits;
}

EmojiPairs load_emoji() {
  return parse_emoji({.source = "built-in emoji",
                      .images = {triptych_emoji_images, triptych_emoji_images_end},
                      .text = {triptych_emoji_text, triptych_emoji_text_end},
                      .concepts = {triptych_emoji_concepts, triptych_emoji_concepts_end},
                      .groups = {triptych_emoji_groups, triptych_emoji_groups_end},
                      .subgroups = {triptych_emoji_subgroups, triptych_emoji_subgroups_end}});
}

EmojiPairs load_emoji(const std::string& path) {
  std::string folder = path;
  while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
  const auto read = [&](const char* name) { return read_file(folder + "/" + name); };
  const auto concepts = read("concepts.tsv"), groups = read("groups.txt"), subgroups = read("subgroups.txt"),
             text = read("text.tsv"), images = read("images.npz");
  return parse_emoji({folder, images, text, concepts, groups, subgroups});
}

}  // namespace triptych::data
