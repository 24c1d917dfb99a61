// Which Philox stream of a seed serves what, so that no two uses share numbers.
#pragma once

#include <cstdint>

#include "core/rng.h"

namespace triptych::data {

enum class Draw : std::uint64_t { order = 0xE1, pair = 0xE2, picture = 0xE3 };

// step < 2^32, index < 2^24.
inline Rng draws(std::uint64_t seed, Draw what, std::int64_t step, std::int64_t index = 0) {
  return Rng(seed, static_cast<std::uint64_t>(what) << 56 | static_cast<std::uint64_t>(step) << 24 |
                       static_cast<std::uint64_t>(index));
}

}  // namespace triptych::data
