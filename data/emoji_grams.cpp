#include "data/emoji_grams.h"

#include "data/ngrams.h"

namespace triptych::data {

EmojiGrams::EmojiGrams(const EmojiPairs& pairs, std::uint32_t buckets)
    : buckets_(buckets), concepts_(pairs.concepts.size()) {
  const auto add = [&](const std::string& phrase) {
    append_ngrams(phrase, buckets, grams_);
    phrase_begin_.push_back(grams_.size());
  };
  for (const auto& language : pairs.texts) {
    for (const auto& text : language) {
      add(text.name);
      for (const auto& keyword : text.keywords) add(keyword);
      text_begin_.push_back(phrase_begin_.size() - 1);
    }
  }
}

}  // namespace triptych::data
