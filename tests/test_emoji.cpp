// The emoji pairs: what the built-in set holds, folders of the same form, refusals, n-grams.
#include "data/emoji.h"

#include <filesystem>
#include <map>
#include <numeric>

#include "data/array.h"
#include "data/emoji_grams.h"
#include "data/ngrams.h"
#include "data/npz.h"
#include "tests/io_helpers.h"

namespace {

using namespace triptych;
using namespace triptych::data;
using io_test::check_refused;
using io_test::TempDir;

const EmojiPairs& built_in() {
  static const EmojiPairs pairs = load_emoji();
  return pairs;
}

// A set of three concepts, two styles and two languages, of which a test damages one part.
struct Folder {
  std::map<std::string, std::string> files{{"groups.txt", "Animals\nFood\n"},
                                           {"subgroups.txt", "fish\nfruit\nmammal\n"},
                                           {"concepts.tsv",
                                            "codepoint\tenglish\tgroup\tsubgroup\tsplit\tsplit_hard\n"
                                            "1F98A\tfox\tAnimals\tmammal\ttrain\ttrain\n"
                                            "1F34E\tapple\tFood\tfruit\ttest\ttrain\n"
                                            "1F41F\tfish\tAnimals\tfish\ttrain\ttest\n"},
                                           {"text.tsv",
                                            "language\tcodepoint\tname\tkeywords\n"
                                            "en\t1F98A\tfox\tface|fox\n"
                                            "en\t1F34E\tapple\t\n"
                                            "en\t1F41F\tfish\tzodiac\n"
                                            "ja\t1F98A\tキツネ\t狐|顔\n"
                                            "ja\t1F34E\tりんご\tりんご||赤\n"
                                            "ja\t1F41F\t魚\t魚\n"}};
  NamedArrays arrays{{"codepoint", make_array({3}, std::vector<std::int32_t>{0x1F98A, 0x1F34E, 0x1F41F})},
                     {"group", make_array({3}, std::vector<std::int32_t>{0, 1, 0})},
                     {"subgroup", make_array({3}, std::vector<std::int32_t>{2, 1, 0})},
                     {"photo", pictures(3, 7)},
                     {"sketch", pictures(3, 9)}};

  static Array pictures(std::int64_t n, std::uint8_t value) {
    return make_array({n, 32, 32, 3}, std::vector<std::uint8_t>(static_cast<std::size_t>(n * emoji_bytes), value));
  }
  Array& array(const std::string& name) {
    for (auto& [key, value] : arrays) {
      if (key == name) return value;
    }
    return arrays.emplace_back(name, Array{}).second;
  }
  // Replaces the one place where `old` stands.
  void edit(const std::string& file, const std::string& old, const std::string& text) {
    std::string& content = files.at(file);
    REQUIRE(content.find(old) != std::string::npos);
    content.replace(content.find(old), old.size(), text);
  }
  EmojiPairs load() const {
    const TempDir dir;
    for (const auto& [name, content] : files) dir.file(name, content);
    write_npz(dir / "images.npz", arrays);
    return load_emoji(dir / "");
  }
  void refused(std::string_view code, std::initializer_list<std::string_view> parts) const {
    check_refused([&] { load(); }, code, parts);
  }
};

std::vector<std::int32_t> ngrams(std::string_view phrase, std::uint32_t buckets = 1 << 15) {
  std::vector<std::int32_t> out;
  append_ngrams(phrase, buckets, out);
  return out;
}

}  // namespace

TEST_CASE("emoji: what the built-in set holds") {
  const EmojiPairs& e = built_in();
  CHECK(e.concepts.size() == 1222);
  CHECK(e.groups.size() == 9);
  CHECK(e.subgroups.size() == 97);
  CHECK(e.styles == std::vector<std::string>{"noto", "twemoji", "unifont"});
  CHECK(e.languages == std::vector<std::string>{"en", "de", "fr", "es", "it", "ru", "tr", "fi", "ja", "hi"});
  CHECK(e.training(EmojiSplit::standard).size() == 977);
  CHECK(e.test(EmojiSplit::standard).size() == 245);
  CHECK(e.training(EmojiSplit::hard).size() == 981);
  CHECK(e.test(EmojiSplit::hard).size() == 241);
  REQUIRE(e.texts.size() == 10);
  for (const auto& language : e.texts) CHECK(language.size() == 1222);

  const auto at = [&](std::uint32_t codepoint) {
    for (std::size_t i = 0; i < e.concepts.size(); ++i) {
      if (e.concepts[i].codepoint == codepoint) return i;
    }
    FAIL("no such code point");
    return std::size_t{0};
  };
  const std::size_t fox = at(0x1F98A), cookie = at(0x1F36A);
  CHECK(e.concepts[fox].english == "fox");
  CHECK(e.groups[static_cast<std::size_t>(e.concepts[fox].group)] == "Animals & Nature");
  CHECK(e.subgroups[static_cast<std::size_t>(e.concepts[fox].subgroup)] == "animal-mammal");
  CHECK(e.texts[1][fox].name == "Fuchs");
  CHECK(e.texts[1][fox].keywords == std::vector<std::string>{"Fuchs", "Fuchsgesicht", "Gesicht", "Tier"});
  CHECK(e.texts[5][cookie].keywords == std::vector<std::string>{"выпечка", "печенье", "сладкое"});
  CHECK(e.texts[8][fox].keywords == std::vector<std::string>{"キツネ", "キツネの顔", "動物", "狐", "顔"});
  CHECK(e.texts[9][fox].name == "लोमड़ी जैसा चेहरा");

  // Sums as NumPy reads them.
  const std::vector<std::int64_t> sums{761276438, 754310716, 669869397};
  for (std::size_t s = 0; s < 3; ++s) {
    CHECK(e.images[s].size() == 1222u * emoji_bytes);
    CHECK(std::accumulate(e.images[s].begin(), e.images[s].end(), std::int64_t{0}) == sums[s]);
  }
}

TEST_CASE("emoji: a folder of the same form") {
  const EmojiPairs e = Folder().load();
  CHECK(e.styles == std::vector<std::string>{"photo", "sketch"});
  CHECK(e.languages == std::vector<std::string>{"en", "ja"});
  CHECK(e.concepts[1].codepoint == 0x1F34E);
  CHECK(e.concepts[1].group == 1);
  CHECK(e.picture(1, 2)[5] == 9);
  CHECK(e.texts[0][1].keywords.empty());
  CHECK(e.texts[1][1].keywords == std::vector<std::string>{"りんご", "赤"});
  CHECK(e.training(EmojiSplit::standard) == std::vector<std::int32_t>{0, 2});
  CHECK(e.test(EmojiSplit::hard) == std::vector<std::int32_t>{2});

  Folder only_test;
  only_test.edit("concepts.tsv", "\tsplit_hard", "");
  only_test.edit("concepts.tsv", "train\ttrain", "test");
  only_test.edit("concepts.tsv", "test\ttrain", "test");
  only_test.edit("concepts.tsv", "train\ttest", "test");
  const EmojiPairs t = only_test.load();
  CHECK(t.training(EmojiSplit::standard).empty());
  CHECK(t.test(EmojiSplit::standard).size() == 3);
  CHECK(!t.has_hard_split);
  check_refused([&] { (void)t.test(EmojiSplit::hard); }, "emoji.no-hard-split", {"concepts.tsv", "split_hard"});
}

TEST_CASE("emoji: the fingerprint sees every part") {
  const std::string whole = Folder().load().fingerprint();
  CHECK(whole.size() == 16);
  CHECK(whole == Folder().load().fingerprint());  // from another folder
  std::vector<Folder> changed(5);
  changed[0].edit("text.tsv", "zodiac", "zodiak");
  changed[1].edit("text.tsv", "face|fox", "facef|ox");
  changed[2].array("sketch").bytes[100] ^= std::byte{1};
  changed[3].edit("concepts.tsv", "train\ttest", "test\ttest");
  changed[4].edit("groups.txt", "Food", "Meal");
  changed[4].edit("concepts.tsv", "Food", "Meal");
  for (const auto& folder : changed) CHECK(folder.load().fingerprint() != whole);
}

TEST_CASE("emoji: refused folders name file, line, found and expected") {
  check_refused([] { load_emoji("/nowhere/at/all"); }, "file.missing", {"/nowhere/at/all/concepts.tsv"});
  const auto edited = [](const char* file, const char* old, const char* text, std::string_view code,
                         std::initializer_list<std::string_view> parts) {
    CAPTURE(text);
    Folder folder;
    folder.edit(file, old, text);
    folder.refused(code, parts);
  };
  const char *concepts = "concepts.tsv", *text = "text.tsv";
  edited(concepts, "english", "name", "emoji.columns", {"concepts.tsv: line 1", "name", "expected codepoint, english"});
  edited(concepts, "\ttest\ttrain", "\ttest", "emoji.columns", {"line 3", "found 5", "expected 6"});
  edited(concepts, "\tfish\tA", "\t\tA", "emoji.columns", {"line 4", "column 2 is empty"});
  edited(concepts, "test\ttrain", "val\ttrain", "emoji.split", {"line 3", "split is 'val'", "expected train or test"});
  edited(concepts, "train\ttest", "train\tTest", "emoji.split", {"line 4", "split_hard is 'Test'"});
  edited(concepts, "\tFood", "\tFoot", "emoji.group", {"line 3", "'Foot'", "groups.txt"});
  edited(concepts, "1F41F", "1F98A", "emoji.repeated", {"line 4", "1F98A", "line 2"});
  edited(concepts, "1F41F", "U+1F41F", "emoji.codepoint", {"line 4", "'U+1F41F'", "hexadecimal"});
  edited(concepts, "1F41F", "110000", "emoji.codepoint", {"'110000'", "10FFFF"});
  edited("groups.txt", "Food", "Animals", "emoji.repeated", {"groups.txt: line 2", "'Animals'", "line 1"});
  edited(text, "keywords", "words", "emoji.columns", {"text.tsv: line 1", "words", "expected language"});
  edited(text, "\tfox\tface", "\tfox\ta\tface", "emoji.columns", {"line 2", "found 5", "expected 4"});
  edited(text, "apple", "app\xff", "emoji.encoding", {"text.tsv: line 3", "expected UTF-8"});
  edited(text, "apple", "app\x1b", "emoji.encoding", {"line 3", "control character"});
  edited(text, "zodiac\n", "zodiac\r\n", "emoji.encoding", {"line 4", "\\r"});
  edited(text, "\t魚\n", "\t魚", "emoji.truncated", {"text.tsv", "line end"});
  edited(text, "ja\t1F41F\t魚\t魚\n", "", "emoji.rows", {"language 'ja'", "found 2", "expected 3", "1F41F"});
  edited(text, "ja\t1F98A", "en\t1F98A", "emoji.rows", {"line 5", "'en'", "expected 3"});
  edited(text, "en\t1F34E", "en\t1F34F", "emoji.order", {"line 3", "'1F34F'", "expected 1F34E"});

  Folder folder;
  folder.files[text].resize(folder.files[text].find('\n') + 1);
  folder.refused("emoji.empty", {"text.tsv", "at least one language"});
  folder = {};
  folder.files["groups.txt"].clear();
  folder.refused("emoji.empty", {"groups.txt", "empty"});
}

TEST_CASE("emoji: refused images") {
  const auto refused = [](const char* name, Array array, std::string_view code,
                          std::initializer_list<std::string_view> parts) {
    CAPTURE(name);
    Folder folder;
    folder.array(name) = std::move(array);
    folder.refused(code, parts);
  };
  refused("sketch", make_array({3, 32, 32, 3}, std::vector<float>(3 * emoji_bytes)), "emoji.array",
          {"/images.npz: array 'sketch'", "float32 (3, 32, 32, 3)", "expected uint8 (n, 32, 32, 3)"});
  refused("sketch", make_array({3, 3, 32, 32}, std::vector<std::uint8_t>(3 * emoji_bytes)), "emoji.array",
          {"uint8 (3, 3, 32, 32)"});
  refused("extra", make_array({3}, std::vector<std::int32_t>(3)), "emoji.array", {"'extra'", "int32 (3,)"});
  refused("photo", Folder::pictures(2, 0), "emoji.rows", {"'photo'", "2 images", "expected 3"});
  refused("codepoint", make_array({2}, std::vector<std::int32_t>(2)), "emoji.rows", {"'codepoint'", "2 rows"});
  refused("codepoint", make_array({3}, std::vector<std::int32_t>{0x1F98A, 0x1F41F, 0x1F34E}), "emoji.order",
          {"'codepoint': row 1", "expected 127822", "1F34E"});
  refused("group", make_array({3}, std::vector<std::int32_t>{0, 0, 0}), "emoji.group",
          {"'group': row 1", "is 0, expected 1"});
  refused("group", make_array({3}, std::vector<float>{0, 1, 0}), "emoji.array", {"'group'", "float32 (3,)"});

  Folder none;
  none.arrays.resize(3);
  none.refused("emoji.empty", {"images.npz", "at least one array uint8"});
  none.arrays.erase(none.arrays.begin());
  none.refused("emoji.array", {"'codepoint'", "missing"});
}

TEST_CASE("ngrams: CRC-32, case and the grams of a phrase, against Python's zlib") {
  CHECK(crc32("123456789") == 3421780262u);
  CHECK(crc32(" 狐 ") == 3942973227u);
  CHECK(lower_case("ABC ÄÖÜß× ŞĞŸŽ ĹŇ ЁЖЩ ДЂ 狐 Ωİı") == "abc äöüß× şğÿž ĺň ёжщ дђ 狐 Ωiı");
  CHECK(ngrams("Fuchs") == std::vector<std::int32_t>{11666, 29232, 23405, 12206, 17393, 21462, 6146, 22112, 21457, 8871,
                                                     27970, 18807, 31457, 3190, 15330, 6036});
  CHECK(ngrams("狐") == std::vector<std::int32_t>{32555, 25795, 30766, 32555});
  CHECK(ngrams("Ёж") == std::vector<std::int32_t>{26747, 18558, 129, 17876, 1924, 15347, 26747});
  CHECK(ngrams("चेहरा") == std::vector<std::int32_t>{25766, 9013, 3128, 1568, 6310, 31275, 18534, 19321, 29378, 4564,
                                                    11720, 13823, 3530, 4375, 30867, 4586});
  for (const auto index : ngrams("grinning face", 10)) CHECK((index >= 0 && index < 10));
}

TEST_CASE("ngrams: every text of the built-in set, against Python's zlib") {
  const EmojiPairs& e = built_in();
  const EmojiGrams grams(e, 1 << 15);
  const std::vector<std::size_t> counts{144231, 178142, 162660, 188490, 203814, 191074, 158723, 173927, 70256, 170307};
  const std::vector<std::uint32_t> hashes{86832818,   2736053020, 1622533404, 413879957, 231930278,
                                          3362261369, 3681242900, 3553523073, 656767366, 629529265};
  for (std::size_t l = 0; l < 10; ++l) {
    std::size_t count = 0;
    std::uint32_t hash = 0;
    for (std::size_t c = 0; c < e.concepts.size(); ++c) {
      REQUIRE(grams.phrases(l, c) == 1 + e.texts[l][c].keywords.size());
      for (std::size_t p = 0; p < grams.phrases(l, c); ++p) {
        for (const auto index : grams.phrase(l, c, p)) hash = hash * 31 + static_cast<std::uint32_t>(index);
        count += grams.phrase(l, c, p).size();
      }
    }
    CHECK(count == counts[l]);
    CHECK(hash == hashes[l]);
  }
}
