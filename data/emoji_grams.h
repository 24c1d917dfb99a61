// The hashed n-grams of every phrase of a set, computed once: a text is its name and its keywords, each one phrase.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/emoji.h"

namespace triptych::data {

class EmojiGrams {
 public:
  // buckets >= 1. The built-in set has 1.5 million n-grams.
  EmojiGrams(const EmojiPairs& pairs, std::uint32_t buckets);

  std::uint32_t buckets() const { return buckets_; }
  // Phrases of a text: 1 + its keywords. Phrase 0 is the name.
  std::size_t phrases(std::size_t language, std::size_t concept_index) const {
    const std::size_t text = language * concepts_ + concept_index;
    return text_begin_[text + 1] - text_begin_[text];
  }
  std::span<const std::int32_t> phrase(std::size_t language, std::size_t concept_index, std::size_t phrase) const {
    const std::size_t p = text_begin_[language * concepts_ + concept_index] + phrase;
    return std::span(grams_).subspan(phrase_begin_[p], phrase_begin_[p + 1] - phrase_begin_[p]);
  }

 private:
  std::uint32_t buckets_;
  std::size_t concepts_;
  std::vector<std::int32_t> grams_;
  std::vector<std::size_t> phrase_begin_{0};  // into grams_
  std::vector<std::size_t> text_begin_{0};    // into phrase_begin_
};

}  // namespace triptych::data
