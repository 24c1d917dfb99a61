// The user's own features as a DataSource: one .npy, .npz or .safetensors array per modality, (N,d) or (N,L,d), row i
// of each belonging together; optional masks (N,L) of 0 and 1, or lengths (N); optional labels of the rows.
#pragma once

#include "app/config.h"
#include "app/row_source.h"

namespace triptych::app {

class FeatureSource : public RowSource {
 public:
  // Uses files and drop_nonfinite. Throws what the readers throw, and Error(input, ...):
  //   "features.member"  a file with several arrays and no member named, or a member of an .npy file
  //   "features.rows"    row counts that differ, naming both files and shapes
  //   "features.mask"    a mask of another shape, values other than 0 and 1, lengths outside 0..L
  //   "features.nothing" rows without a real token in any modality, with their numbers
  //   "array.non-finite" NaN or Inf, with row numbers; with drop_nonfinite those rows go from every modality instead
  //   "features.labels"  labels that do not fit (feature_file.h)
  //   "features.few"     fewer than two training rows
  explicit FeatureSource(const DataConfig& config);

  std::string fingerprint() const override { return fingerprint_; }
  std::string description() const override;
  std::vector<std::string> warnings() const override { return warnings_; }

 private:
  std::vector<std::string> warnings_;
  std::string fingerprint_;
  std::int64_t dropped_ = 0;
};

}  // namespace triptych::app
