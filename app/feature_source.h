// The user's own features as a DataSource: one .npy, .npz or .safetensors array per modality, (N,d) or (N,L,d), row i
// of each belonging together; optional masks (N,L) of 0 and 1, or lengths (N).
//
// Every fifth row of a fixed permutation is held out: the same rows for every seed, so that runs can be compared.
#pragma once

#include "app/config.h"
#include "app/data_source.h"

namespace triptych::app {

class FeatureSource : public DataSource {
 public:
  // Uses files and drop_nonfinite. Throws what the readers throw, and Error(input, ...):
  //   "features.member"  a file with several arrays and no member named, or a member of an .npy file
  //   "features.rows"    row counts that differ, naming both files and shapes
  //   "features.mask"    a mask of another shape, values other than 0 and 1, lengths outside 1..L, no real token
  //   "array.non-finite" NaN or Inf, with row numbers; with drop_nonfinite those rows go from every modality instead
  //   "features.few"     fewer than two training rows
  explicit FeatureSource(const DataConfig& config);

  std::vector<ModalitySpec> modalities() const override { return specs_; }
  std::int64_t train_items() const override { return static_cast<std::int64_t>(train_.size()); }
  std::int64_t test_items() const override { return static_cast<std::int64_t>(test_.size()); }
  // Every epoch a fresh permutation of the training rows, cut into whole batches. items <= train_items().
  void train_batch(std::uint64_t seed, std::int64_t step, std::int64_t items, Batch& to) override;
  // One block a modality, without factors.
  std::vector<Block> blocks(bool held_out) const override;
  std::string fingerprint() const override { return fingerprint_; }
  std::string description() const override;
  std::vector<std::string> warnings() const override { return warnings_; }

 private:
  ModalityBatch rows(std::size_t modality, const std::vector<std::int32_t>& which, ModalityBatch to) const;

  std::vector<ModalitySpec> specs_;
  std::vector<ModalityBatch> values_;  // f32 (N,L,d), mask f32 (N,L) or null
  std::vector<std::int32_t> train_, test_;
  std::vector<std::string> warnings_;
  std::string fingerprint_;
  std::int64_t dropped_ = 0;
  std::uint64_t order_seed_ = 0;
  std::int64_t order_epoch_ = -1;
  std::vector<std::int32_t> order_, batch_;  // the rows of an epoch, of a batch
};

}  // namespace triptych::app
