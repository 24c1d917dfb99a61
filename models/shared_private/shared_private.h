// Shared-private factorisation (scheme S3). For every modality m, from encoded tokens h_m and their surface u_m
// (models/encoders/encoder.h):
//
//   private   p = P_m u_m + b        shared   s = S_m h_m + b'        at every token
//   codes     z_m = mean_real(p),    s_m = mean_real(s),              joint = mean of s_m over what a sample has
//   decode    x^_m = D_m [p; s] + c
//
// All these maps are linear, which is used exactly: a code is the projection of the mean token, and where h_m = u_m the
// reconstruction is one product with D_m [P_m; S_m]. Token-level codes are formed only when asked for.
//
// Other codes, of the mean token alone:
//   sigmoid   z_m = sig(P_m u_m + b), s_m = sig(S h_m + b'), one S for all modalities whose h is equally wide: bounded,
//             as the central moment discrepancy asks for. MISA, Hazarika et al. 2020, arXiv 2005.03545
//   gaussian  both maps give the mean and the variance of a distribution (layers/gaussian_code.h). VCCA, Wang et al.
//             2016, arXiv 1610.03454
#pragma once

#include <string>
#include <vector>

#include "models/scheme.h"

namespace triptych {

class SharedPrivate final : public Scheme {
 public:
  enum class Code : std::uint8_t { linear, sigmoid, gaussian };

  SharedPrivate(const Init& init, std::span<const EncodedWidths> modalities, std::int64_t private_width,
                std::int64_t shared_width, Code code = Code::linear);

  Factors factors(Context& c, std::span<const Encoded> encoded, double gate, const Wanted& wanted) const override;
  std::int64_t private_width() const override { return private_width_; }
  std::int64_t shared_width() const override { return shared_width_; }
  Var decode_tokens(const Context& c, std::size_t m, const Var& h, const Linear& decode) const override;

 private:
  struct Head {
    Linear to_private, to_shared;
  };
  Var code(Context& c, const Linear& map, const Var& mean_token, InlineVector<Factors::Gaussian, 8>& gaussian) const;

  std::vector<Head> heads_;
  std::int64_t private_width_, shared_width_;
  Code code_;
};

}  // namespace triptych
