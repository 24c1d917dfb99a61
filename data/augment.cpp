#include "data/augment.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "backends/cpu/parallel.h"
#include "data/emoji_random.h"

namespace triptych::data {
namespace {

constexpr int side = 32, values = side * side * 3;

// Three channels and a spare one: a pixel is one vector register.
using Pixel [[gnu::vector_size(16)]] = float;

// Ink with a border of zeros: row and column 0 are pixel -1. Coordinates clamped to [-1, 32] then read at most 33.
constexpr int padded = side + 3;
using Canvas = Pixel[padded][padded];

constexpr std::array<float, 256> ink_of = [] {
  std::array<float, 256> table{};
  for (std::size_t x = 0; x < 256; ++x) table[x] = 1.0f - static_cast<float>(x) / 255.0f;
  return table;
}();

void paint(Picture picture, Canvas& canvas) {
  std::memset(&canvas, 0, sizeof canvas);
  for (int i = 0; i < side; ++i) {
    for (int j = 0; j < side; ++j, picture += 3) {
      canvas[i + 1][j + 1] = Pixel{ink_of[picture[0]], ink_of[picture[1]], ink_of[picture[2]], 0};
    }
  }
}

}  // namespace

Warp draw_warp(const Augmentation& s, std::uint64_t seed, std::int64_t step, std::int64_t index) {
  Rng rng = draws(seed, Draw::picture, step, index);
  const auto between = [&](float low, float high) { return static_cast<float>(rng.uniform(low, high)); };
  Warp w;
  w.scale = between(s.scale_low, s.scale_high);
  w.angle = between(-s.rotation, s.rotation);
  w.flip = rng.uniform() < s.flip;
  w.shift_x = between(-s.shift, s.shift);
  w.shift_y = between(-s.shift, s.shift);
  for (float& c : w.colour) c = between(s.colour_low, s.colour_high);
  return w;
}

void warp(Picture picture, const Warp& by, float* out) {
  Canvas canvas;
  paint(picture, canvas);

  // In pixels from the centre (15.5, 15.5) the map is the same matrix, and half a width is 16; 1 is the border.
  constexpr float centre = 15.5f;
  const float cosine = by.scale * std::cos(by.angle), sine = by.scale * std::sin(by.angle);
  const float x_j = by.flip ? -cosine : cosine, x_i = -sine, y_j = by.flip ? -sine : sine, y_i = cosine;
  const float x_0 = centre + 16 * by.shift_x + 1, y_0 = centre + 16 * by.shift_y + 1;
  const Pixel gain{by.colour[0], by.colour[1], by.colour[2], 0}, lift = 1 - gain;

  float row[side * 3 + 1];  // one more: the last pixel's spare channel
  for (int i = 0; i < side; ++i) {
    const float x_row = x_0 + x_i * (static_cast<float>(i) - centre);
    const float y_row = y_0 + y_i * (static_cast<float>(i) - centre);
    for (int j = 0; j < side; ++j) {
      const float x = std::clamp(x_row + x_j * (static_cast<float>(j) - centre), 0.0f, side + 1.0f);
      const float y = std::clamp(y_row + y_j * (static_cast<float>(j) - centre), 0.0f, side + 1.0f);
      const int x0 = static_cast<int>(x), y0 = static_cast<int>(y);
      const float fx = x - static_cast<float>(x0), fy = y - static_cast<float>(y0);
      const Pixel* top = &canvas[y0][x0];
      const Pixel* bottom = top + padded;
      const Pixel upper = top[0] * (1 - fx) + top[1] * fx, lower = bottom[0] * (1 - fx) + bottom[1] * fx;
      // 1 - colour (1 - ink), in the form that gives ink itself for colour 1.
      Pixel value = lift + gain * (upper * (1 - fy) + lower * fy);
      value = value < 0.0f ? Pixel{} : value;
      std::memcpy(row + 3 * j, &value, sizeof value);
    }
    std::memcpy(out + side * 3 * i, row, sizeof(float) * side * 3);
  }
}

void to_ink(Picture picture, float* out) {
  for (int i = 0; i < values; ++i) out[i] = ink_of[picture[i]];
}

void augment(std::span<const Picture> pictures, const Augmentation& settings, std::uint64_t seed, std::int64_t step,
             float* out) {
  const auto count = static_cast<std::int64_t>(pictures.size());
  cpu::parallel_for(count, count * values, [&](std::int64_t i) {
    warp(pictures[static_cast<std::size_t>(i)], draw_warp(settings, seed, step, i), out + i * values);
  });
}

void to_ink(std::span<const Picture> pictures, float* out) {
  const auto count = static_cast<std::int64_t>(pictures.size());
  cpu::parallel_for(count, count * values,
                    [&](std::int64_t i) { to_ink(pictures[static_cast<std::size_t>(i)], out + i * values); });
}

}  // namespace triptych::data
