#include "data/emoji_batches.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/error.h"
#include "data/emoji_random.h"

namespace triptych::data {
namespace {

using Phrases = std::vector<std::span<const std::int32_t>>;

Tensor picture_tensor(std::size_t count) {
  return Tensor({static_cast<std::int64_t>(count), emoji_side, emoji_side, 3}, DType::f32);
}

// Lays the n-grams of all texts end to end.
void fill_text(std::span<const Phrases> texts, EmojiBatch& batch) {
  batch.offset = Tensor({static_cast<std::int64_t>(texts.size()) + 1}, DType::i32);
  auto* offset = batch.offset.data<std::int32_t>();
  offset[0] = 0;
  for (std::size_t row = 0; row < texts.size(); ++row) {
    offset[row + 1] = offset[row];
    for (const auto& phrase : texts[row]) offset[row + 1] += static_cast<std::int32_t>(phrase.size());
  }
  batch.index = Tensor({offset[texts.size()]}, DType::i32);
  auto* out = batch.index.data<std::int32_t>();
  for (const auto& text : texts) {
    for (const auto& phrase : text) out = std::copy(phrase.begin(), phrase.end(), out);
  }
}

// Two different members of {0, ..., count-1} when there are two.
std::array<std::int32_t, 2> draw_two(Rng& rng, std::size_t count) {
  const auto n = static_cast<std::uint32_t>(count);
  const std::uint32_t first = rng.below(n);
  const std::uint32_t second = n < 2 ? first : (first + 1 + rng.below(n - 1)) % n;
  return {static_cast<std::int32_t>(first), static_cast<std::int32_t>(second)};
}

}  // namespace

EmojiSampler::EmojiSampler(const EmojiPairs& pairs, const EmojiGrams& grams, std::vector<std::int32_t> concepts,
                           std::uint64_t seed, const EmojiSampling& settings)
    : pairs_(pairs), grams_(grams), concepts_(std::move(concepts)), seed_(seed), settings_(settings) {
  if (settings.batch < 1 || static_cast<std::size_t>(settings.batch) > concepts_.size()) {
    throw Error(Exit::usage, "emoji.batch",
                "a batch of " + std::to_string(settings.batch) + " different concepts, expected 1 to " +
                    std::to_string(concepts_.size()) + ", the concepts there are for training");
  }
  if (settings.views != 1 && settings.views != 2) {
    throw Error(Exit::usage, "emoji.views", std::to_string(settings.views) + " views of a concept, expected 1 or 2");
  }
  const auto rows = static_cast<std::size_t>(settings.batch * settings.views);
  pictures_.resize(rows);
  kept_.resize(rows);
}

void EmojiSampler::start_epoch(std::int64_t epoch) {
  if (epoch == epoch_) return;
  epoch_ = epoch;
  order_ = concepts_;
  Rng rng = draws(seed_, Draw::order, epoch);
  shuffle(order_, rng);
}

EmojiBatch EmojiSampler::sample(std::int64_t step) {
  start_epoch(step / steps_per_epoch());
  const auto size = static_cast<std::size_t>(settings_.batch), views = static_cast<std::size_t>(settings_.views);
  const auto first = order_.begin() + (step % steps_per_epoch()) * settings_.batch;

  EmojiBatch batch;
  batch.concepts.assign(first, first + settings_.batch);
  batch.style.resize(views * size);
  batch.language.resize(views * size);
  for (std::size_t i = 0; i < size; ++i) {
    const auto c = static_cast<std::size_t>(batch.concepts[i]);
    Rng rng = draws(seed_, Draw::pair, step, static_cast<std::int64_t>(i));
    const auto styles = draw_two(rng, pairs_.styles.size()), languages = draw_two(rng, pairs_.languages.size());
    for (std::size_t v = 0; v < views; ++v) {
      const std::size_t row = v * size + i;
      batch.style[row] = styles[v];
      batch.language[row] = languages[v];
      pictures_[row] = pairs_.picture(static_cast<std::size_t>(styles[v]), c);
      const auto language = static_cast<std::size_t>(languages[v]);
      auto& kept = kept_[row];
      kept.clear();
      for (std::size_t p = 0; p < grams_.phrases(language, c); ++p) {
        if (rng.uniform() < settings_.keep_phrase) kept.push_back(grams_.phrase(language, c, p));
      }
      if (kept.empty()) kept.push_back(grams_.phrase(language, c, 0));
    }
  }
  batch.images = picture_tensor(views * size);
  augment(pictures_, settings_.augmentation, seed_, step, batch.images.data<float>());
  fill_text(kept_, batch);
  return batch;
}

EmojiBatch all_pictures(const EmojiPairs& pairs, std::int32_t style, std::span<const std::int32_t> concepts) {
  EmojiBatch batch;
  batch.concepts.assign(concepts.begin(), concepts.end());
  batch.style.assign(concepts.size(), style);
  std::vector<Picture> pictures;
  for (const auto c : concepts)
    pictures.push_back(pairs.picture(static_cast<std::size_t>(style), static_cast<std::size_t>(c)));
  batch.images = picture_tensor(concepts.size());
  to_ink(pictures, batch.images.data<float>());
  return batch;
}

EmojiBatch all_texts(const EmojiGrams& grams, std::int32_t language, std::span<const std::int32_t> concepts) {
  EmojiBatch batch;
  batch.concepts.assign(concepts.begin(), concepts.end());
  batch.language.assign(concepts.size(), language);
  std::vector<Phrases> texts(concepts.size());
  const auto l = static_cast<std::size_t>(language);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto c = static_cast<std::size_t>(concepts[i]);
    for (std::size_t p = 0; p < grams.phrases(l, c); ++p) texts[i].push_back(grams.phrase(l, c, p));
  }
  fill_text(texts, batch);
  return batch;
}

}  // namespace triptych::data
