#include "app/emoji_source.h"

#include <utility>

namespace triptych::app {
namespace {

data::EmojiPairs load(const std::string& source) {
  return source == "emoji" ? data::load_emoji() : data::load_emoji(source.substr(std::string("emoji:").size()));
}

Factor constant(std::string name, const std::vector<std::string>& classes, std::size_t value, std::size_t rows) {
  return {std::move(name), classes, std::vector<std::int32_t>(rows, static_cast<std::int32_t>(value)),
          Factor::Holder::own};
}

}  // namespace

EmojiSource::EmojiSource(const DataConfig& config)
    : pairs_(load(config.source)),
      grams_(pairs_, static_cast<std::uint32_t>(config.buckets)),
      views_(static_cast<std::int32_t>(config.views)) {
  const auto split = config.split == "hard" ? data::EmojiSplit::hard : data::EmojiSplit::standard;
  train_ = pairs_.training(split);
  test_ = pairs_.test(split);
}

std::vector<ModalitySpec> EmojiSource::modalities() const {
  ModalitySpec text, image;
  text.name = "text";
  text.kind = ModalityKind::ngrams;
  text.buckets = grams_.buckets();
  image.name = "image";
  image.kind = ModalityKind::image;
  image.height = image.breadth = data::emoji_side;
  image.channels = 3;
  return {text, image};
}

void EmojiSource::train_batch(std::uint64_t seed, std::int64_t step, std::int64_t items, Batch& to) {
  if (!sampler_ || sampler_seed_ != seed || sampler_items_ != items) {
    data::EmojiSampling settings;
    settings.batch = static_cast<std::int32_t>(items);
    settings.views = views_;
    sampler_.emplace(pairs_, grams_, train_, seed, settings);
    sampler_seed_ = seed;
    sampler_items_ = items;
  }
  data::EmojiBatch batch = sampler_->sample(step);
  to.views = views_;
  to.modalities.resize(2);
  to.modalities[0].values = std::move(batch.index);
  to.modalities[0].offset = std::move(batch.offset);
  to.modalities[1].values = std::move(batch.images);
}

Factor EmojiSource::groups(const std::vector<std::int32_t>& concepts) const {
  Factor group{"group", pairs_.groups, {}};
  for (const std::int32_t c : concepts) group.labels.push_back(pairs_.concepts[static_cast<std::size_t>(c)].group);
  return group;
}

std::vector<Block> EmojiSource::blocks(bool held_out) const {
  const std::vector<std::int32_t>& concepts = held_out ? test_ : train_;
  std::vector<Block> all;
  for (std::size_t l = 0; l < pairs_.languages.size(); ++l) {
    data::EmojiBatch b = data::all_texts(grams_, static_cast<std::int32_t>(l), concepts);
    all.push_back({0,
                   pairs_.languages[l],
                   concepts,
                   {constant("language", pairs_.languages, l, concepts.size()), groups(concepts)},
                   {std::move(b.index), std::move(b.offset), {}}});
  }
  for (std::size_t s = 0; s < pairs_.styles.size(); ++s) {
    data::EmojiBatch b = data::all_pictures(pairs_, static_cast<std::int32_t>(s), concepts);
    all.push_back({1,
                   pairs_.styles[s],
                   concepts,
                   {constant("style", pairs_.styles, s, concepts.size()), groups(concepts)},
                   {std::move(b.images), {}, {}}});
  }
  return all;
}

std::vector<std::string> EmojiSource::identities(bool held_out) const {
  std::vector<std::string> all;
  for (const std::int32_t c : held_out ? test_ : train_)
    all.push_back(std::to_string(pairs_.concepts[static_cast<std::size_t>(c)].codepoint));
  return all;
}

std::string EmojiSource::description() const {
  return pairs_.source + ": " + std::to_string(pairs_.concepts.size()) + " concepts (" + std::to_string(train_.size()) +
         " for training, " + std::to_string(test_.size()) + " held out), " + std::to_string(pairs_.styles.size()) +
         " art styles, " + std::to_string(pairs_.languages.size()) + " languages";
}

}  // namespace triptych::app
