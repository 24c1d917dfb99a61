// Modality-aware mixture of experts (scheme S4): one routed block over tokens in typed clusters
// (models/layers/moe_feed_forward.h), whose private and shared parts are told apart by who computed them. For modality
// m with tokens x = h (projected to `width` where it has another one):
//
//   private  z_m = mean_real(P u + own(u))        u = surface tokens, P linear; own: experts of cluster m
//   shared   s_m = mean_real(x + share(x))        share: shared experts
//   joint    mean of s_m over the modalities a sample has (one token, where tokens are wanted)
//
// A token of h is routed over own and shared experts (soft permission: foreign ones too, whose part counts as private).
// Where the surface is the h tokens themselves, one routing gives both codes. Where it is other tokens, these see their
// own cluster only, and a token of h that picks its own cluster just adds nothing to the shared code: what is on the
// surface, the style, cannot reach it. A dropped token keeps its residual, P u or x. While g = 0 the shared cluster is
// shut: no gradient, and s_m = mean x.
//
// Means over tokens are all that pooled codes need, so the experts' second layer is applied to the mean
// (ops/moe_pool.h) unless tokens are wanted. P commutes with the mean likewise.
#pragma once

#include <optional>
#include <vector>

#include "models/layers/moe_feed_forward.h"
#include "models/scheme.h"

namespace triptych {

struct ModalityMoeConfig {
  std::int64_t width = 0;  // of tokens and codes
  MoeConfig experts;
  bool private_residual = true;  // P u
  // The shared code is that of the block as a whole, mean_real(x + own(x) + share(x)), where surface = h.
  bool block_code = false;
};

class ModalityMoe final : public Scheme {
 public:
  // Throws what MoeFeedForward throws.
  ModalityMoe(const Init& init, std::span<const EncodedWidths> modalities, const ModalityMoeConfig& config);

  Factors factors(Context& c, std::span<const Encoded> encoded, double gate, const Wanted& wanted) const override;
  std::int64_t private_width() const override { return config_.width; }
  std::int64_t shared_width() const override { return config_.width; }

 private:
  struct Head {
    std::optional<Linear> to_width;  // of h, where it is not `width` wide
    std::optional<Linear> surface;   // P
  };
  ModalityMoeConfig config_;
  std::vector<Head> heads_;
  MoeFeedForward experts_;
};

}  // namespace triptych
