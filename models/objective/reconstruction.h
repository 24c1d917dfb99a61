// Reconstruction: what is decoded from the private and shared code of each modality, beside its target.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "models/layers/linear.h"
#include "models/scheme.h"

namespace triptych {

// x^_m = D_m [z_m; s_m] + c. Where the scheme has codes at every token of ready-made features (decode_tokens), at every
// token; else from the pooled codes, against the mean of the target's real tokens. With two or more views the shared
// code is another view's: what differs between views must then come from the private code.
class Reconstruction {
 public:
  struct Pair {
    Var decoded, target, mask;
  };
  // targets: widths. `tokens` may be null.
  Reconstruction(const Init& init, const std::vector<std::string>& modalities, const std::vector<std::int64_t>& targets,
                 std::int64_t private_width, std::int64_t shared_width, const Scheme* tokens);
  // Absent values where the whole batch lacks modality m.
  Pair operator()(const Context& c, std::size_t m, const Factors& f, const Encoded& e, std::int64_t views) const;

 private:
  std::vector<Linear> decoders_;
  const Scheme* tokens_;
};

}  // namespace triptych
