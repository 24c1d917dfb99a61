#pragma once

#include <variant>
#include <vector>

#include "models/encoders/features.h"
#include "models/encoders/image.h"
#include "models/encoders/ngrams.h"
#include "models/model.h"
#include "models/shared_private/shared_private.h"

namespace triptych {

// The shared-private scheme with its encoders and the source text's third objective, reconstruction being the task:
//
//   L = reconstruct R + align g(p) A + align_views g(p) A' + beta(p) D + variance V
//
//   R  sum over modalities of mse(x^_m, target_m). Ready-made features: at every token. Else from the pooled codes, and
//      with two views the shared code is the other view's: what differs between views must come from the private code.
//   A  clip over the shared codes of different modalities, mean over the pairs of their views
//   A' clip over the shared codes of one modality's views, sum over the modalities
//   D  xcorr or xcov, summed over private and shared code of each modality, and over pairs of private codes
//   V  variance hinge, summed over all private and shared codes
//   g  bridge gate;  beta(p) goes from decorrelate_start to decorrelate_end as p goes from 0 to 1
class SharedPrivateModel final : public Model {
 public:
  SharedPrivateModel(const ModelConfig& config, DType dtype, std::uint64_t seed);
  Objective objective(Context& c, const Batch& batch, double progress) const override;
  Factors factors(Context& c, const Batch& batch) const override;
  void after_step() override;

 private:
  using Encoder = std::variant<FeatureEncoder, ImageEncoder, NgramEncoder>;
  Encoder make_encoder(const Init& init, const ModalitySpec& spec) const;
  InlineVector<Encoded, 8> encode(Context& c, const Batch& batch) const;
  Var reconstruction(const Context& c, const Factors& f, std::span<const Encoded> encoded, std::int64_t views) const;
  Var alignment(const Context& c, const Factors& f, std::int64_t views) const;
  Var view_alignment(const Context& c, const Factors& f, std::int64_t views) const;
  Var decorrelation(const Factors& f) const;

  std::vector<Encoder> encoders_;
  SharedPrivate scheme_;
  ParameterId logit_scale_;
};

}  // namespace triptych
