#pragma once

#include "core/rng.h"
#include "core/tensor.h"

namespace triptych {

// Independent standard normal entries, drawn in the order of memory.
inline Tensor normal_noise(const Shape& shape, DType dtype, Rng& rng) {
  Tensor noise(shape, dtype);
  for (std::int64_t i = 0; i < noise.size(); ++i) noise.set(i, rng.normal());
  return noise;
}

}  // namespace triptych
