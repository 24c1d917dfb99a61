// Shared-private factorisation (scheme S3; after MISA, Hazarika et al. 2020, arXiv 2005.03545, without its sigmoids):
//
//   private   p_m = P_m h_m + b        shared   s_m = S_m h_m + b'          at every token of every modality m
//   codes     z_m = mean_real(p_m),    s_m = mean_real(s_m),    joint = mean of s_m over the modalities a sample has
//   decode    x^_m = D_m [p_m; s_m] + c
//
// All three maps are linear, which is used exactly: a code is the projection of the mean token, and the reconstruction
// is one product with D_m [P_m; S_m]; token-level codes are formed only when asked for.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "models/factors.h"
#include "models/layers/linear.h"

namespace triptych {

struct SharedPrivateConfig {
  struct Modality {
    std::string name;
    std::int64_t width = 0;   // of the encoded tokens h_m
    std::int64_t target = 0;  // of what the decoder gives back
  };
  std::vector<Modality> modalities;  // at least 2
  std::int64_t private_width = 0, shared_width = 0;
};

class SharedPrivate {
 public:
  SharedPrivate(const Init& init, const SharedPrivateConfig& config);

  // h_m (B,L_m,width_m), one per modality; a modality whose mask row is all zero is missing from that sample.
  Factors factors(const Context& c, std::span<const Tokens> h, bool tokens = false) const;
  // x^_m for every token: h (B,L,width_m) -> (B,L,target_m).
  Var reconstruct(const Context& c, std::size_t m, const Var& h) const;
  // x^_m from given codes: (B,private width), (B,shared width) -> (B,target_m). The codes may come from different views
  // of a sample.
  Var decode(const Context& c, std::size_t m, const Var& private_code, const Var& shared_code) const;

  std::size_t modalities() const { return heads_.size(); }

 private:
  struct Head {
    Linear to_private, to_shared, decode;
  };
  std::vector<Head> heads_;
};

}  // namespace triptych
