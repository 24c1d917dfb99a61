// The emoji pairs as a DataSource. Modalities "text" (hashed n-grams; views: languages) and "image" (ink; views: art
// styles); the concept is what they share.
#pragma once

#include <optional>

#include "app/config.h"
#include "app/data_source.h"
#include "data/emoji.h"
#include "data/emoji_batches.h"
#include "data/emoji_grams.h"

namespace triptych::app {

class EmojiSource : public DataSource {
 public:
  // Uses source, split, views and buckets. Throws what load_emoji throws.
  explicit EmojiSource(const DataConfig& config);

  std::vector<ModalitySpec> modalities() const override;
  std::int64_t train_items() const override { return static_cast<std::int64_t>(train_.size()); }
  std::int64_t test_items() const override { return static_cast<std::int64_t>(test_.size()); }
  // Rows v * items + i: view v of the i-th concept, in its own style and language.
  void train_batch(std::uint64_t seed, std::int64_t step, std::int64_t items, Batch& to) override;
  // One block a language with the factors language and group, then one a style with style and group.
  std::vector<Block> blocks(bool held_out) const override;
  std::string fingerprint() const override { return pairs_.fingerprint(); }
  std::vector<std::string> identities(bool held_out) const override;  // code points
  std::string description() const override;

  const data::EmojiPairs& pairs() const { return pairs_; }

 private:
  Factor groups(const std::vector<std::int32_t>& concepts) const;

  data::EmojiPairs pairs_;
  data::EmojiGrams grams_;
  std::int32_t views_;
  std::vector<std::int32_t> train_, test_;
  std::optional<data::EmojiSampler> sampler_;
  std::uint64_t sampler_seed_ = 0;
  std::int64_t sampler_items_ = 0;
};

}  // namespace triptych::app
