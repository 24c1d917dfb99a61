#include "models/generation/generated_tokens.h"

#include <algorithm>

#include "core/gather_rows.h"

namespace triptych {

namespace {

constexpr std::int64_t side = 4;  // pixels of a patch

// f(entry of the picture, entry of the tokens) for every entry of n pictures.
template <class F>
void each_entry(const ModalitySpec& spec, std::int64_t n, F&& f) {
  const std::int64_t patches = spec.breadth / side, channels = spec.channels;
  std::int64_t at = 0;
  for (std::int64_t b = 0; b < n; ++b)
    for (std::int64_t i = 0; i < spec.height; ++i)
      for (std::int64_t j = 0; j < spec.breadth; ++j) {
        const std::int64_t patch = (b * (spec.height / side) + i / side) * patches + j / side;
        const std::int64_t inside = ((i % side) * side + j % side) * channels;
        for (std::int64_t c = 0; c < channels; ++c) f(at++, patch * side * side * channels + inside + c);
      }
}

}  // namespace

TokenGrid token_grid(const ModalitySpec& spec) {
  switch (spec.kind) {
    case ModalityKind::features: return {spec.tokens, spec.width};
    case ModalityKind::image: return {spec.height / side * (spec.breadth / side), side * side * spec.channels};
    default: return {};
  }
}

Tensor generated_tokens(const ModalitySpec& spec, const ModalityBatch& batch, std::span<const std::int32_t> which) {
  Tensor rows;
  gather_rows(batch.values, which, rows);
  if (spec.kind == ModalityKind::features) return rows;
  const auto [count, width] = token_grid(spec);
  const std::int64_t n = std::ssize(which);
  Tensor tokens({n, count, width}, rows.dtype());
  const auto fill = [&]<class T>(T) {
    const T* from = rows.data<T>();
    T* to = tokens.data<T>();
    each_entry(spec, n, [&](std::int64_t pixel, std::int64_t entry) { to[entry] = 2 * from[pixel] - 1; });
  };
  rows.dtype() == DType::f32 ? fill(float{}) : fill(double{});
  return tokens;
}

Tensor pictures_of(const ModalitySpec& spec, const Tensor& tokens) {
  const std::int64_t n = tokens.shape()[0];
  Tensor pictures({n, spec.height, spec.breadth, spec.channels}, tokens.dtype());
  const auto fill = [&]<class T>(T) {
    const T* from = tokens.data<T>();
    T* to = pictures.data<T>();
    each_entry(spec, n, [&](std::int64_t pixel, std::int64_t entry) {
      to[pixel] = std::clamp((from[entry] + 1) / 2, T(0), T(1));
    });
  };
  tokens.dtype() == DType::f32 ? fill(float{}) : fill(double{});
  return pictures;
}

}  // namespace triptych
