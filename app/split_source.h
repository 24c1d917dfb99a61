// The halves of pictures as a DataSource: modalities "left" and "right" of an IDX file of images, each half's pixels as
// features in [0, 1] (the two-view data of Andrew et al. 2013: 392 of an MNIST digit). The picture is what they share.
#pragma once

#include "app/config.h"
#include "app/row_source.h"

namespace triptych::app {

class SplitSource : public RowSource {
 public:
  // config.source is "split:FILE". Throws what read_idx and split_pictures throw, and Error(input, "split.few") for
  // fewer than five pictures: every fifth is held out, or those of the file config.test; "split.test" for a test file
  // of other sizes.
  explicit SplitSource(const DataConfig& config);

  std::string fingerprint() const override { return fingerprint_; }
  std::string description() const override;

 private:
  std::string fingerprint_;
};

}  // namespace triptych::app
