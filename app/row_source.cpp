#include "app/row_source.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "app/run_hash.h"
#include "core/gather_rows.h"
#include "core/rng.h"

namespace triptych::app {
namespace {

constexpr std::uint64_t split_stream = 0xF0, epoch_stream = 0xF1;  // of Philox
constexpr std::size_t held_out_every = 5;

std::vector<std::int32_t> permuted(std::vector<std::int32_t> rows, Rng rng) {
  shuffle(rows, rng);
  return rows;
}

Factor of_rows(const Factor& factor, const std::vector<std::int32_t>& which) {
  Factor f = factor;
  f.values = Tensor{};
  if (factor.values) gather_rows(factor.values, which, f.values);
  f.labels.clear();
  for (const std::int32_t row : which)
    if (!factor.labels.empty()) f.labels.push_back(factor.labels[static_cast<std::size_t>(row)]);
  return f;
}

}  // namespace

void RowSource::add(ModalitySpec spec, ModalityBatch values, std::vector<Factor> factors) {
  specs_.push_back(std::move(spec));
  values_.push_back(std::move(values));
  factors_.push_back(std::move(factors));
}

std::int64_t RowSource::label_outputs() const {
  if (!labels_) return 0;
  if (labels_.dtype() != DType::i32) return labels_.shape()[1];
  const auto* first = labels_.data<std::int32_t>();
  return *std::max_element(first, first + labels_.size()) + 1;
}

void RowSource::hold_out(std::int64_t last) {
  const auto n = static_cast<std::int32_t>(values_.front().values.shape()[0]);
  for (std::int32_t i = 0; i < n; ++i) (i < n - last ? train_ : test_).push_back(i);
}

void RowSource::split() {
  std::vector<std::int32_t> all(static_cast<std::size_t>(values_.front().values.shape()[0]));
  std::iota(all.begin(), all.end(), 0);
  const std::vector<std::int32_t> order = permuted(std::move(all), Rng(0, split_stream));
  for (std::size_t i = 0; i < order.size(); ++i)
    (i % held_out_every == held_out_every - 1 ? test_ : train_).push_back(order[i]);
  std::sort(train_.begin(), train_.end());
  std::sort(test_.begin(), test_.end());
}

ModalityBatch RowSource::rows(std::size_t m, const std::vector<std::int32_t>& which, ModalityBatch to) const {
  gather_rows(values_[m].values, which, to.values);
  if (values_[m].mask) gather_rows(values_[m].mask, which, to.mask);
  return to;
}

void RowSource::train_batch(std::uint64_t seed, std::int64_t step, std::int64_t items, Batch& to) {
  const std::int64_t per_epoch = train_items() / items, epoch = step / per_epoch;
  if (epoch != order_epoch_ || seed != order_seed_) {
    order_ = permuted(train_, Rng(seed, epoch_stream << 56 | static_cast<std::uint64_t>(epoch)));
    order_epoch_ = epoch;
    order_seed_ = seed;
  }
  const auto begin = order_.begin() + (step % per_epoch) * items;
  batch_.assign(begin, begin + items);
  to.views = 1;
  to.modalities.resize(specs_.size());
  for (std::size_t m = 0; m < specs_.size(); ++m) to.modalities[m] = rows(m, batch_, std::move(to.modalities[m]));
  if (labels_) gather_rows(labels_, batch_, to.labels);
}

Factor RowSource::label_factor() const {
  Factor f{.name = "label", .classes = {}, .labels = {}, .holder = Factor::Holder::any};
  if (labels_.dtype() != DType::i32) {
    f.values = labels_;
    return f;
  }
  f.labels.assign(labels_.data<std::int32_t>(), labels_.data<std::int32_t>() + labels_.size());
  for (std::int64_t k = 0, classes = label_outputs(); k < classes; ++k) f.classes.push_back(std::to_string(k));
  return f;
}

std::vector<Block> RowSource::blocks(bool held_out) const {
  const std::vector<std::int32_t>& which = held_out ? test_ : train_;
  std::vector<Block> all;
  std::optional<Factor> label;
  if (labels_) label = of_rows(label_factor(), which);
  for (std::size_t m = 0; m < specs_.size(); ++m) {
    Block block{m, "", which, {}, rows(m, which, {})};
    for (const Factor& f : factors_[m]) block.factors.push_back(of_rows(f, which));
    if (label) block.factors.push_back(*label);
    all.push_back(std::move(block));
  }
  return all;
}

std::vector<std::string> RowSource::identities(bool held_out) const {
  const std::vector<std::int32_t>& which = held_out ? test_ : train_;
  std::vector<std::string> all(which.size());
  for (std::size_t i = 0; i < which.size(); ++i) {
    Hash hash;
    for (const ModalityBatch& m : values_) {
      const std::int64_t bytes = m.values.bytes() / m.values.shape()[0];
      hash.add(std::span(m.values.data<std::byte>() + which[i] * bytes, static_cast<std::size_t>(bytes)));
    }
    all[i] = hash.text();
  }
  return all;
}

}  // namespace triptych::app
