#include "models/objective/reconstruction.h"

#include "models/objective/views.h"
#include "ops/concat.h"
#include "ops/masked_mean.h"

namespace triptych {

Reconstruction::Reconstruction(const Init& init, const std::vector<std::string>& modalities,
                               const std::vector<std::int64_t>& targets, std::int64_t private_width,
                               std::int64_t shared_width, const Scheme* tokens)
    : tokens_(tokens) {
  for (std::size_t m = 0; m < modalities.size(); ++m)
    decoders_.emplace_back(init, modalities[m] + ".decode", private_width + shared_width, targets[m]);
}

Reconstruction::Pair Reconstruction::operator()(const Context& c, std::size_t m, const Factors& f, const Encoded& e,
                                                std::int64_t views) const {
  if (!f.private_codes[m]) return {};
  if (tokens_ && e.surface.x == e.h.x)
    if (const Var decoded = tokens_->decode_tokens(c, m, e.h.x, decoders_[m])) return {decoded, e.target, e.h.mask};
  Vars turned;  // the shared codes of views 1, 2, ..., 0
  for (std::int64_t v = 0; v < views; ++v) turned.push_back(view_of(f.shared_codes[m], views, (v + 1) % views));
  const Var codes[] = {f.private_codes[m], views == 1 ? f.shared_codes[m] : concat(turned, 0)};
  const bool of_tokens = e.target.shape().rank() == 3;
  return {decoders_[m](c, concat(codes, 1)), of_tokens ? masked_mean(e.target, e.h.mask) : e.target, present(e.h.mask)};
}

}  // namespace triptych
