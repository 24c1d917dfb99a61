#include "app/feature_source.h"

#include <algorithm>
#include <cstring>

#include "app/feature_file.h"
#include "app/run_hash.h"
#include "core/error.h"
#include "core/gather_rows.h"

namespace triptych::app {
namespace {

Tensor tensor_of(const std::vector<float>& values, Shape shape) {
  Tensor t(shape, DType::f32);
  std::memcpy(t.data<float>(), values.data(), values.size() * sizeof(float));
  return t;
}

// Rows that no modality has a real token for.
void refuse_empty_rows(const std::vector<Features>& all) {
  if (std::any_of(all.begin(), all.end(), [](const Features& f) { return f.mask.empty(); })) return;
  std::string rows;
  std::int64_t count = 0;
  for (std::int64_t r = 0; r < all.front().rows; ++r) {
    const bool any = std::any_of(all.begin(), all.end(), [&](const Features& f) {
      const auto begin = f.mask.begin() + r * f.tokens;
      return std::find(begin, begin + f.tokens, 1.0f) != begin + f.tokens;
    });
    if (!any && ++count <= 10) rows += (rows.empty() ? "" : ", ") + std::to_string(r);
  }
  if (count > 0)
    reject_input("features.nothing", all.front().file,
                 (count == 1 ? "row " : "rows ") + rows + (count > 10 ? ", ..." : ""),
                 std::to_string(count) + " without a real token in any modality, expected at least one",
                 "leave these rows out of every file");
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
    hash.add(spec.name).add(static_cast<std::uint64_t>(f.tokens)).add(static_cast<std::uint64_t>(f.width));
    hash.add(std::as_bytes(std::span(f.values))).add(std::as_bytes(std::span(f.mask)));
    ModalityBatch v;
    v.values = tensor_of(f.values, {f.rows, f.tokens, f.width});
    if (!f.mask.empty()) v.mask = tensor_of(f.mask, {f.rows, f.tokens});
    add(std::move(spec), std::move(v));
  }
  if (!config.labels.empty()) {
    Tensor labels = read_labels(config.labels, all.front().rows + dropped_);
    if (!bad.empty()) {
      std::vector<std::int32_t> kept;
      for (std::int64_t r = 0; r < labels.shape()[0]; ++r)
        if (!std::binary_search(bad.begin(), bad.end(), r)) kept.push_back(static_cast<std::int32_t>(r));
      Tensor of_kept;
      gather_rows(labels, kept, of_kept);
      labels = of_kept;
    }
    hash.add(std::span(labels.data<std::byte>(), static_cast<std::size_t>(labels.bytes())));
    set_labels(std::move(labels));
  }
  fingerprint_ = hash.text();
  refuse_empty_rows(all);
  warnings_ = warnings_of(all);

  const std::int64_t n = all.front().rows;
  if (n > 0x7fffffff) throw Error(Exit::resources, "features.rows", "more than 2147483647 rows: split the files");
  split();
  if (train_items() < 2)
    reject_input("features.few", all.front().file, "",
                 std::to_string(n) + " usable rows, expected at least 2" +
                     (dropped_ > 0 ? " (" + std::to_string(dropped_) + " hold NaN or Inf)" : ""));
}

std::string FeatureSource::description() const {
  return "feature files: " + std::to_string(train_items() + test_items()) + " rows (" + std::to_string(train_items()) +
         " for training, " + std::to_string(test_items()) + " held out" +
         (dropped_ > 0 ? ", " + std::to_string(dropped_) + " with NaN or Inf left out" : "") + ")";
}

}  // namespace triptych::app
