// Generation: what flow matching needs of a batch, and tokens sampled from noise.
//
// The generator of modality m is given [s; z_m]: what is shared and the private code. s must not be able to hold what
// is private, or nothing would ask for z_m:
//
//   two or more views   the joint code of another view: what differs between views must come from z_m
//   one view            the mean of the other modalities' shared codes, of those that a sample has
//   one modality        the joint code
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "models/encoders/encoder.h"
#include "models/generation/flow_sampling.h"
#include "models/generation/generator.h"

namespace triptych {

class Generation {
 public:
  struct Sizes {
    std::int64_t private_width = 0, shared_width = 0;
  };
  // A generator for each modality of `generated`.
  Generation(const Init& init, const std::vector<ModalitySpec>& modalities, const std::vector<std::size_t>& generated,
             const Sizes& sizes, const GeneratorConfig& config);

  // The inputs of the loss flow_matching for modality m: x0 noise, x1 data, t, and what the generator named at x_t.
  // Samples without the modality and padding are left out: with a mask (never of pictures) the rows are real tokens,
  // (tokens,D); else (n,L,D). Absent where no sample has the modality.
  struct Path {
    Var x0, x1, t;
    Generator::Named named;
  };
  Path path(Context& c, std::size_t m, const Factors& f, std::span<const Encoded> encoded, const ModalityBatch& batch,
            std::int64_t views) const;

  bool has(std::size_t m) const { return m < generators_.size() && generators_[m].has_value(); }
  // models/model.h
  Tensor sample(const Parameters& parameters, std::size_t m, const FlowNoise& noise, const Tensor& joint,
                const Tensor& private_code, const Tensor& mask, const FlowSampling& how) const;

 private:
  std::vector<ModalitySpec> modalities_;
  std::vector<std::optional<Generator>> generators_;
  GeneratorConfig config_;
};

}  // namespace triptych
