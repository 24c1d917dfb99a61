// Reconstruction: what is decoded from the codes of each modality, beside its target.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "models/layers/linear.h"
#include "models/scheme.h"

namespace triptych {

// D x + c, or D gelu(W x + b) + c with hidden units.
struct Decoder {
  std::optional<Linear> hidden;
  Linear out;
  Decoder(const Init& init, const std::string& name, std::int64_t in, std::int64_t hidden, std::int64_t out);
  Var operator()(const Context& c, const Var& x) const;
};

// With z_m the private code of modality m and s_a the shared code of modality a:
//
//   own       x^_m = D_m [z_m; s_m]
//   every     x^_m = D_m [z_m; s_a] for every a
//   shared    x^_m = D'_m s_a       for every a
//
// "own" is decoded at every token where the scheme has codes there (Scheme::decode_tokens) and the decoder is linear;
// everything else from the pooled codes, against the mean of the target's real tokens. With two or more views the
// shared code is another view's: what differs between views must then come from the private code.
class Reconstruction {
 public:
  enum class From : std::uint8_t { own, every, shared };
  struct Pair {
    Var decoded, target, mask;  // mask: of samples, or of tokens; absent: all count
  };
  struct Sizes {
    std::vector<std::string> modalities;
    std::vector<std::int64_t> targets;  // widths
    std::int64_t private_width = 0, shared_width = 0, hidden = 0;
  };
  // with_private: "own" or "every" will be asked for; without: "shared". `tokens` may be null.
  Reconstruction(const Init& init, const Sizes& sizes, const Scheme* tokens, bool with_private, bool without);
  // For every source a that the batch has; empty where the whole batch lacks modality m.
  InlineVector<Pair, 8> operator()(const Context& c, std::size_t m, From from, const Factors& f,
                                   std::span<const Encoded> encoded, std::int64_t views) const;

 private:
  std::vector<Decoder> decoders_, shared_decoders_;
  const Scheme* tokens_;
};

}  // namespace triptych
