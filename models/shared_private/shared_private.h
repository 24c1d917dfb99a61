// Shared-private factorisation (scheme S3; after MISA, Hazarika et al. 2020, arXiv 2005.03545, without its sigmoids).
// For every modality m, from encoded tokens h_m and their surface u_m (models/encoders/encoder.h):
//
//   private   p = P_m u_m + b        shared   s = S_m h_m + b'        at every token
//   codes     z_m = mean_real(p),    s_m = mean_real(s),              joint = mean of s_m over what a sample has
//   decode    x^_m = D_m [p; s] + c
//
// All these maps are linear, which is used exactly: a code is the projection of the mean token, and where h_m = u_m the
// reconstruction is one product with D_m [P_m; S_m]. Token-level codes are formed only when asked for.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "models/encoders/encoder.h"
#include "models/layers/linear.h"

namespace triptych {

struct SharedPrivateConfig {
  struct Modality {
    std::string name;
    std::int64_t h = 0, surface = 0, target = 0;  // widths
  };
  std::vector<Modality> modalities;  // at least 2
  std::int64_t private_width = 0, shared_width = 0;
};

class SharedPrivate {
 public:
  SharedPrivate(const Init& init, const SharedPrivateConfig& config);

  // One Encoded per modality, (B,L_m,.) each; a modality whose mask row is all zero is missing from that sample, one
  // with an absent h.x from all of them: it has no codes then.
  Factors factors(const Context& c, std::span<const Encoded> encoded, bool tokens = false) const;
  // x^_m for every token of a modality with h = surface: (B,L,h) -> (B,L,target).
  Var reconstruct(const Context& c, std::size_t m, const Var& h) const;
  // x^_m from codes (B,private width) and (B,shared width), which may come from different views: (B,target).
  Var decode(const Context& c, std::size_t m, const Var& private_code, const Var& shared_code) const;

 private:
  struct Head {
    Linear to_private, to_shared, decode;
  };
  std::vector<Head> heads_;
};

}  // namespace triptych
