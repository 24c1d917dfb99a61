#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "models/encoders/modality.h"
#include "models/model.h"
#include "models/objective/objective.h"
#include "models/scheme.h"

namespace triptych {

// Encoders, then the schemes of the stack one after the other, then the objective on the codes of the last. In a stack
// a scheme reads, for each modality, the shared tokens of the scheme before as h and its private tokens as surface; its
// joint code is read from those. A last scheme whose codes are `width` wide is read out by linear maps to private_width
// (one per modality) and shared_width (one for all modalities and the joint code), as Q-Former's projection. With code
// = "gaussian-private" the private map gives the mean and the variance of a distribution (layers/gaussian_code.h).
class SchemeModel final : public Model {
 public:
  SchemeModel(const ModelConfig& config, DType dtype, std::uint64_t seed);
  LossTerms objective(Context& c, const Batch& batch, double progress) const override;
  Factors factors(Context& c, const Batch& batch, const Wanted& wanted) const override;
  bool generates(std::size_t m) const override;
  Tensor generate(std::size_t m, const FlowNoise& noise, const Tensor& shared, const Tensor& private_code,
                  const Tensor& mask, const FlowSampling& how) const override;
  // factors() in two steps, with the bridge open as far as `gate` says: for those who look at how codes depend on data.
  using DataOnTape = InlineVector<ModalityInputs, 8>;
  DataOnTape enter(const Context& c, const Batch& batch, bool differentiate = false) const;
  Factors factors(Context& c, const DataOnTape& data, double gate, const Wanted& wanted = {}) const;
  void after_step() override { objective_->after_step(parameters_); }

 private:
  InlineVector<Encoded, 8> encode(Context& c, const DataOnTape& data) const;
  void read_out(Context& c, Factors& f) const;
  Factors codes(Context& c, std::span<const Encoded> encoded, double gate, const Wanted& wanted) const;

  std::vector<ModalityEncoder> encoders_;
  std::vector<std::unique_ptr<Scheme>> stack_;
  std::vector<Linear> read_private_;   // empty: as the scheme gives them
  std::optional<Linear> read_shared_;  // absent: as the scheme gives them
  std::unique_ptr<Objective> objective_;
};

}  // namespace triptych
