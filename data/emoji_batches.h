// Batches of emoji pairs: random ones for training, complete ones for evaluation.
//
// Row v * B + i of every part is view v of the i-th concept.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/tensor.h"
#include "data/augment.h"
#include "data/emoji.h"
#include "data/emoji_grams.h"

namespace triptych::data {

// A batch for evaluation holds either pictures or texts; the other part's tensors are null, its labels empty.
struct EmojiBatch {
  std::vector<std::int32_t> concepts;         // (B) positions in EmojiPairs::concepts, all different
  std::vector<std::int32_t> style, language;  // (views * B)
  Tensor images;                              // f32 (views * B, 32, 32, 3), ink
  Tensor index, offset;                       // i32: n-grams of all texts, and (views * B + 1) where each text begins
};

struct EmojiSampling {
  std::int32_t batch = 192;  // concepts
  std::int32_t views = 1;    // 1, or 2 with different styles and different languages (the same where there is but one)
  double keep_phrase = 0.7;  // keyword dropout: each phrase stays with this probability, the name if none would
  Augmentation augmentation{};
};

class EmojiSampler {
 public:
  // Draws from `concepts` only. pairs and grams must outlive the sampler. Throws Error(usage, "emoji.batch") unless
  // 1 <= batch <= concepts.size(), and Error(usage, "emoji.views") unless views is 1 or 2.
  EmojiSampler(const EmojiPairs& pairs, const EmojiGrams& grams, std::vector<std::int32_t> concepts, std::uint64_t seed,
               const EmojiSampling& settings = {});

  // Steps of one epoch: a fresh permutation of the concepts, cut into whole batches; the few left over wait for the
  // next.
  std::int64_t steps_per_epoch() const { return static_cast<std::int64_t>(concepts_.size()) / settings_.batch; }

  // A function of (seed, step) alone, 0 <= step < 2^32, whatever was sampled before. Not for two threads at once.
  EmojiBatch sample(std::int64_t step);

 private:
  void start_epoch(std::int64_t epoch);

  const EmojiPairs& pairs_;
  const EmojiGrams& grams_;
  std::vector<std::int32_t> concepts_;
  std::uint64_t seed_;
  EmojiSampling settings_;
  std::int64_t epoch_ = -1;
  std::vector<std::int32_t> order_;                               // permutation of concepts_ in epoch_
  std::vector<Picture> pictures_;                                 // reused from step to step, as the next
  std::vector<std::vector<std::span<const std::int32_t>>> kept_;  // [row]: its phrases' n-grams
};

// Every picture of one style, or every text of one language, of the given concepts: nothing changed, nothing left out.
EmojiBatch all_pictures(const EmojiPairs& pairs, std::int32_t style, std::span<const std::int32_t> concepts);
EmojiBatch all_texts(const EmojiGrams& grams, std::int32_t language, std::span<const std::int32_t> concepts);

}  // namespace triptych::data
