// ModalityEncoder: the encoder that a modality's kind asks for.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "models/encoders/deep.h"
#include "models/encoders/features.h"
#include "models/encoders/image.h"
#include "models/encoders/inputs.h"
#include "models/encoders/ngrams.h"
#include "models/model.h"

namespace triptych {

class ModalityEncoder {
 public:
  ModalityEncoder(const Init& init, const ModalitySpec& spec, const ModelConfig& config);
  // Puts data on the tape: as constants; what is real of it, but masks, as variables where it is to be differentiated
  // by.
  ModalityInputs enter(const Context& c, const ModalityBatch& batch, bool differentiate = false) const;
  // Absent codes for absent values.
  Encoded operator()(Context& c, const ModalityInputs& in, double dropout) const;
  const EncodedWidths& widths() const { return widths_; }
  std::int64_t target_width() const { return target_width_; }

 private:
  struct None {};  // features as they are
  std::variant<None, Linear, FeatureEncoder, DeepEncoder, ImageEncoder, NgramEncoder> encoder_;
  EncodedWidths widths_;
  std::int64_t target_width_;
};

}  // namespace triptych
