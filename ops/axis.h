// Small helpers on axes, shared by the layout ops.
#pragma once

#include <string_view>

#include "core/require.h"

namespace triptych {

// The same shape with the size of one axis (negative counts from the end) replaced.
inline Shape with_size(const Shape& shape, int axis, std::int64_t size) {
  std::array<std::int64_t, Shape::max_rank> sizes{};
  for (int i = 0; i < shape.rank(); ++i) sizes[static_cast<std::size_t>(i)] = shape[i];
  sizes[static_cast<std::size_t>(axis < 0 ? shape.rank() + axis : axis)] = size;
  return Shape(std::span<const std::int64_t>(sizes.data(), static_cast<std::size_t>(shape.rank())));
}

// One more axis at the end.
inline Shape with_axis(const Shape& shape, std::int64_t size) {
  std::array<std::int64_t, Shape::max_rank + 1> sizes{};
  for (int i = 0; i < shape.rank(); ++i) sizes[static_cast<std::size_t>(i)] = shape[i];
  sizes[static_cast<std::size_t>(shape.rank())] = size;
  return Shape(std::span<const std::int64_t>(sizes.data(), static_cast<std::size_t>(shape.rank()) + 1));
}

// The axis counted from the front. Throws Error(input) when x has no such axis.
inline int checked_axis(std::string_view op, const Var& x, int axis) {
  const int rank = x.shape().rank();
  require(axis >= -rank && axis < rank, op, "axis", axis, "an axis of x");
  return axis < 0 ? rank + axis : axis;
}

// How a tensor looks along one axis: `outer` blocks of size * inner contiguous entries.
struct AxisView {
  std::int64_t outer = 1, inner = 1;
  AxisView(const Shape& shape, int axis) {
    for (int i = 0; i < shape.rank(); ++i) (i < axis ? outer : inner) *= i == axis ? 1 : shape[i];
  }
};

}  // namespace triptych
