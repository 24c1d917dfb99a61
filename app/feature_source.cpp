#include "app/feature_source.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "app/feature_file.h"
#include "app/run_hash.h"
#include "core/error.h"
#include "core/rng.h"

namespace triptych::app {
namespace {

constexpr std::uint64_t split_stream = 0xF0, epoch_stream = 0xF1;  // of Philox
constexpr std::size_t held_out_every = 5;

std::vector<std::int32_t> permuted(std::vector<std::int32_t> rows, Rng rng) {
  for (std::size_t i = rows.size(); i > 1; --i) std::swap(rows[i - 1], rows[rng.below(static_cast<std::uint32_t>(i))]);
  return rows;
}

Tensor tensor_of(const std::vector<float>& values, Shape shape) {
  Tensor t(shape, DType::f32);
  std::memcpy(t.data<float>(), values.data(), values.size() * sizeof(float));
  return t;
}

// Rows of `from` (N, ...) into `to`, whose storage is used again when it is ours alone and has the shape.
void gather_rows(const Tensor& from, const std::vector<std::int32_t>& which, Tensor& to) {
  std::vector<std::int64_t> sizes(from.shape().sizes().begin(), from.shape().sizes().end());
  const std::int64_t row = from.size() / sizes[0];
  sizes[0] = static_cast<std::int64_t>(which.size());
  const Shape shape{std::span<const std::int64_t>(sizes)};
  if (!to || to.shape() != shape || !to.unique()) to = Tensor(shape, DType::f32);
  for (std::size_t i = 0; i < which.size(); ++i)
    std::copy_n(from.data<float>() + which[i] * row, row, to.data<float>() + static_cast<std::int64_t>(i) * row);
}

}  // namespace

FeatureSource::FeatureSource(const DataConfig& config) {
  std::vector<Features> all;
  for (const FeatureFile& file : config.files) {
    all.push_back(read_features(file, config.drop_nonfinite));
    const Features &first = all.front(), &f = all.back();
    if (f.rows != first.rows)
      reject_input("features.rows", f.file, "",
                   data::shape_text(f.shape) + " has " + std::to_string(f.rows) + " rows, but " +
                       escape_text(first.file, 4096) + " " + data::shape_text(first.shape) + " has " +
                       std::to_string(first.rows),
                   "row i of every file must be the same item; is a last shard missing?");
  }
  std::vector<std::int64_t> bad;
  for (const Features& f : all) bad.insert(bad.end(), f.bad_rows.begin(), f.bad_rows.end());
  std::sort(bad.begin(), bad.end());
  bad.erase(std::unique(bad.begin(), bad.end()), bad.end());
  dropped_ = static_cast<std::int64_t>(bad.size());

  Hash hash;
  for (std::size_t m = 0; m < all.size(); ++m) {
    Features& f = all[m];
    if (!bad.empty()) drop_rows(f, bad);
    ModalitySpec spec;
    spec.name = config.files[m].name;
    spec.tokens = f.tokens;
    spec.width = f.width;
    specs_.push_back(spec);
    hash.add(spec.name).add(static_cast<std::uint64_t>(f.tokens)).add(static_cast<std::uint64_t>(f.width));
    hash.add(std::as_bytes(std::span(f.values))).add(std::as_bytes(std::span(f.mask)));
    ModalityBatch v;
    v.values = tensor_of(f.values, {f.rows, f.tokens, f.width});
    if (!f.mask.empty()) v.mask = tensor_of(f.mask, {f.rows, f.tokens});
    values_.push_back(std::move(v));
  }
  fingerprint_ = hash.text();
  warnings_ = warnings_of(all);

  const std::int64_t n = all.front().rows;
  if (n > 0x7fffffff) throw Error(Exit::resources, "features.rows", "more than 2147483647 rows: split the files");
  std::vector<std::int32_t> rows(static_cast<std::size_t>(n));
  std::iota(rows.begin(), rows.end(), 0);
  const std::vector<std::int32_t> order = permuted(rows, Rng(0, split_stream));
  for (std::size_t i = 0; i < order.size(); ++i)
    (i % held_out_every == held_out_every - 1 ? test_ : train_).push_back(order[i]);
  std::sort(train_.begin(), train_.end());
  std::sort(test_.begin(), test_.end());
  if (train_.size() < 2)
    reject_input("features.few", all.front().file, "",
                 std::to_string(n) + " usable rows, expected at least 2" +
                     (dropped_ > 0 ? " (" + std::to_string(dropped_) + " hold NaN or Inf)" : ""));
}

ModalityBatch FeatureSource::rows(std::size_t m, const std::vector<std::int32_t>& which, ModalityBatch to) const {
  gather_rows(values_[m].values, which, to.values);
  if (values_[m].mask) gather_rows(values_[m].mask, which, to.mask);
  return to;
}

void FeatureSource::train_batch(std::uint64_t seed, std::int64_t step, std::int64_t items, Batch& to) {
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
}

std::vector<Block> FeatureSource::blocks(bool held_out) const {
  const std::vector<std::int32_t>& which = held_out ? test_ : train_;
  std::vector<Block> all;
  for (std::size_t m = 0; m < specs_.size(); ++m) all.push_back({m, "", which, {}, rows(m, which, {})});
  return all;
}

std::string FeatureSource::description() const {
  return "feature files: " + std::to_string(train_.size() + test_.size()) + " rows (" + std::to_string(train_.size()) +
         " for training, " + std::to_string(test_.size()) + " held out" +
         (dropped_ > 0 ? ", " + std::to_string(dropped_) + " with NaN or Inf left out" : "") + ")";
}

}  // namespace triptych::app
