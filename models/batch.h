// What a model is given: modalities, and batches of their samples.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/tensor.h"

namespace triptych {

enum class ModalityKind : std::uint8_t {
  features,  // values float (B,L,width), mask (B,L) or null
  image,     // values float (B,height,width,channels): ink, 0 = background
  ngrams,    // values int32 (total): hashed n-grams of all samples; offset int32 (B+1): where each sample's begin
};

struct ModalitySpec {
  std::string name;
  ModalityKind kind = ModalityKind::features;
  std::int64_t tokens = 0, width = 0;                  // features
  std::int64_t height = 0, breadth = 0, channels = 0;  // image
  std::int64_t buckets = 0;                            // ngrams
};

struct ModalityBatch {
  Tensor values, offset, mask;
};
// Samples of all modalities, row i of each belonging together. With views > 1 there are `views` blocks of the same
// samples (rows v * n + i), seen in another way: another picture, another wording.
struct Batch {
  std::vector<ModalityBatch> modalities;
  std::int64_t views = 1;
  Tensor labels;  // of the task: int32 (n), a class each, or float (n,width); null where there are none
};

}  // namespace triptych
