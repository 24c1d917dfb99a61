// Feature files before they are put together: reading, and what is wrong with them on their own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/config.h"
#include "core/tensor.h"
#include "data/array.h"

namespace triptych::app {

// The array that FILE or FILE:MEMBER names. The ending says the format: .npz and .safetensors may have members, every
// other name is read as .npy. Without a member the file must hold one array.
data::Array read_array(const std::string& place);

// One modality as read: values (N,L,d) in row-major order, mask (N,L) or empty.
struct Features {
  std::string file;
  data::Shape shape;  // as in the file
  std::int64_t rows = 0, tokens = 1, width = 0;
  std::vector<float> values, mask;
  std::vector<std::int64_t> bad_rows;  // with NaN or Inf
};
// Throws Error(input, ...) as listed in feature_source.h; NaN and Inf only unless `keep_nonfinite`.
Features read_features(const FeatureFile& file, bool keep_nonfinite);

// Takes the given rows (ascending) out.
void drop_rows(Features& from, const std::vector<std::int64_t>& rows);

// Labels of n rows: an array (n) of integers, the classes from 0 on, as int32; or of floats, (n) or (n,width), as f32
// (n,width). Throws Error(input, "features.labels") for another shape, a negative class or one above 65535, NaN and
// Inf.
Tensor read_labels(const std::string& place, std::int64_t n);

// What is legal but rarely meant: constant columns, rows of zeros, equal modalities.
std::vector<std::string> warnings_of(const std::vector<Features>& all);

}  // namespace triptych::app
