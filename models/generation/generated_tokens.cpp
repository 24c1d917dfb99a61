#include "models/generation/generated_tokens.h"

#include <algorithm>

#include "core/gather_rows.h"

namespace triptych {

TokenGrid token_grid(const ModalitySpec& spec) {
  switch (spec.kind) {
    case ModalityKind::features: return {spec.tokens, spec.width};
    case ModalityKind::image: return {spec.height * spec.breadth, spec.channels};
    default: return {};
  }
}

Tensor generated_tokens(const ModalitySpec& spec, const ModalityBatch& batch, std::span<const std::int32_t> which) {
  Tensor rows;
  gather_rows(batch.values, which, rows);
  if (spec.kind == ModalityKind::features) return rows;
  const auto [count, width] = token_grid(spec);
  Tensor tokens({std::ssize(which), count, width}, rows.dtype());
  for (std::int64_t i = 0; i < tokens.size(); ++i) tokens.set(i, 2 * rows.at(i) - 1);
  return tokens;
}

Tensor pictures_of(const ModalitySpec& spec, const Tensor& tokens) {
  const std::int64_t n = tokens.shape()[0];
  Tensor pictures({n, spec.height, spec.breadth, spec.channels}, tokens.dtype());
  for (std::int64_t i = 0; i < pictures.size(); ++i) pictures.set(i, std::clamp((tokens.at(i) + 1) / 2, 0.0, 1.0));
  return pictures;
}

}  // namespace triptych
