#pragma once

#include <string>

#include "models/encoders/encoder.h"
#include "models/layers/layer_norm.h"
#include "models/layers/linear.h"

namespace triptych {

// Encoder of short texts in any language: the mean of their hashed character n-grams' embeddings (Joulin et al. 2017,
// arXiv 1607.01759), normalised, then one hidden layer.
//   h        gelu(W bag + b), (B,1,2 width)
//   surface  how often each n-gram occurs, counted in profile_width buckets, as fractions under a square root,
//            standardised, (B,1,profile_width): the language is there, in its spelling
//   target   surface, column by column on the scale of the batch
class NgramEncoder {
 public:
  NgramEncoder(const Init& init, const std::string& name, std::int64_t buckets, std::int64_t width);
  // index (total) and offset (B+1), int32: sample i's n-grams are index[offset[i]] to index[offset[i+1] - 1].
  // surface: that of the texts.
  Encoded operator()(Context& c, const Var& index, const Var& offset, const Var& surface, double dropout) const;
  // (B,profile_width), of the table's dtype.
  Tensor surface_of(const Context& c, const Tensor& index, const Tensor& offset) const;
  static std::int64_t h_width(std::int64_t width) { return 2 * width; }
  static constexpr std::int64_t profile_width = 8192;

 private:
  ParameterId table_;
  LayerNorm norm_;
  Linear hidden_;
};

}  // namespace triptych
