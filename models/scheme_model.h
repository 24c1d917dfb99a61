#pragma once

#include <memory>
#include <vector>

#include "models/encoders/modality.h"
#include "models/model.h"
#include "models/objective/objective.h"
#include "models/scheme.h"

namespace triptych {

// Encoders, then the schemes of the stack one after the other, then the objective on the codes of the last. In a stack
// a scheme reads, for each modality, the shared tokens of the scheme before as h and its private tokens as surface; its
// joint code is read from those.
class SchemeModel final : public Model {
 public:
  SchemeModel(const ModelConfig& config, DType dtype, std::uint64_t seed);
  LossTerms objective(Context& c, const Batch& batch, double progress) const override;
  Factors factors(Context& c, const Batch& batch) const override;
  void after_step() override { objective_->after_step(parameters_); }

 private:
  InlineVector<Encoded, 8> encode(Context& c, const Batch& batch) const;
  Factors codes(Context& c, std::span<const Encoded> encoded, double gate, const Wanted& wanted) const;

  std::vector<ModalityEncoder> encoders_;
  std::vector<std::unique_ptr<Scheme>> stack_;
  std::unique_ptr<Objective> objective_;
};

}  // namespace triptych
