// Pictures as the models see them: 32 x 32 x 3 floats of "ink" (0 white background, 1 full), with or without a random
// geometric and colour change.
//
//   to_ink    ink = 1 - x / 255
//   warp      u = (2 j + 1) / 32 - 1, v = (2 i + 1) / 32 - 1 of the output pixel (row i, column j), in half-widths
//             u' = scale (flip cos(angle) u - sin(angle) v) + shift_x
//             v' = scale (flip sin(angle) u + cos(angle) v) + shift_y
//             ink bilinear at (u', v'), 0 outside
//             brightness y = min(1, colour (1 - ink)) per channel; the result is 1 - y
//
// so scale > 1 shows the picture smaller, and a positive shift moves it left or up. Pixel centres as in PyTorch's
// affine_grid and grid_sample with align_corners = False and zero padding.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace triptych::data {

using Picture = const std::uint8_t*;  // 32 x 32 x 3, RGB

struct Warp {
  float scale = 1, angle = 0;      // angle in radians
  bool flip = false;               // left to right
  float shift_x = 0, shift_y = 0;  // of the half-width, 16 pixels
  std::array<float, 3> colour{1, 1, 1};
};

// Ranges that a Warp is drawn from, uniformly and independently.
struct Augmentation {
  float scale_low = 0.85f, scale_high = 1.15f;
  float rotation = 0.2f;  // angle in +-rotation
  float flip = 0.5f;      // probability
  float shift = 0.12f;    // both shifts in +-shift
  float colour_low = 0.85f, colour_high = 1.1f;
};

// A function of its arguments alone. step < 2^32, index < 2^24.
Warp draw_warp(const Augmentation& settings, std::uint64_t seed, std::int64_t step, std::int64_t index);

// out: 32 x 32 x 3. A default Warp gives the bits of to_ink.
void warp(Picture picture, const Warp& by, float* out);
void to_ink(Picture picture, float* out);

// Whole batches, out (pictures.size(), 32, 32, 3), shared out over the threads of set_threads(); the bits do not depend
// on their number. Picture i is changed by draw_warp(settings, seed, step, i).
void augment(std::span<const Picture> pictures, const Augmentation& settings, std::uint64_t seed, std::int64_t step,
             float* out);
void to_ink(std::span<const Picture> pictures, float* out);

}  // namespace triptych::data
