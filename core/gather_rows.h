#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "core/tensor.h"

namespace triptych {

// Rows `which` of `from` (N, ...), N >= 1, into `to`, whose storage is used again when it is ours alone and has the
// shape.
inline void gather_rows(const Tensor& from, std::span<const std::int32_t> which, Tensor& to) {
  std::vector<std::int64_t> sizes(from.shape().sizes().begin(), from.shape().sizes().end());
  const std::int64_t row = from.bytes() / sizes[0];
  sizes[0] = std::ssize(which);
  const Shape shape{std::span<const std::int64_t>(sizes)};
  if (!to || to.shape() != shape || to.dtype() != from.dtype() || !to.unique()) to = Tensor(shape, from.dtype());
  char* at = to.data<char>();
  for (const std::int32_t i : which) {
    std::memcpy(at, from.data<const char>() + i * row, static_cast<std::size_t>(row));
    at += row;
  }
}

}  // namespace triptych
