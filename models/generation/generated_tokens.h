// The tokens of a modality as a generator makes them:
//
//   features   as they are: (n,L,D)
//   pictures   pixels, row by row, ink 0..1 mapped to -1..1: (n,H W,channels)
#pragma once

#include <cstdint>
#include <span>

#include "models/batch.h"

namespace triptych {

struct TokenGrid {
  std::int64_t tokens = 0, width = 0;  // L, D; 0 for a kind that no generator makes (n-grams)
};
TokenGrid token_grid(const ModalitySpec& spec);

// Rows `which` of a batch of the modality.
Tensor generated_tokens(const ModalitySpec& spec, const ModalityBatch& batch, std::span<const std::int32_t> which);

// Pictures (n,H,W,3), ink clipped to 0..1, of their tokens.
Tensor pictures_of(const ModalitySpec& spec, const Tensor& tokens);

}  // namespace triptych
