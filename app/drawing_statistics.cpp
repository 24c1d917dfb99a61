#include "app/drawing_statistics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace triptych::app {
namespace {

constexpr int levels = 8, colours = levels * levels * levels;
constexpr std::array steps = {0.004f, 0.012f, 0.03f, 0.06f, 0.12f, 0.25f};
constexpr std::int64_t of_one_size = colours + steps.size() + 1;
constexpr std::array grains = {1, 2, 4, 8};
constexpr double most_noise = 0.06;

struct Picture {
  std::int64_t height, width;
  std::vector<float> ink;  // (height,width,3)
  float at(std::int64_t i, std::int64_t j, std::int64_t channel) const {
    return ink[static_cast<std::size_t>((i * width + j) * 3 + channel)];
  }
};

// Calls f(i, j, channel) for every number of a picture, in the order of memory, and collects what it returns.
template <class F>
Picture drawn(std::int64_t height, std::int64_t width, const F& f) {
  Picture p{height, width, {}};
  p.ink.reserve(static_cast<std::size_t>(height * width * 3));
  for (std::int64_t i = 0; i < height; ++i)
    for (std::int64_t j = 0; j < width; ++j)
      for (std::int64_t c = 0; c < 3; ++c) p.ink.push_back(static_cast<float>(f(i, j, c)));
  return p;
}

Picture half(const Picture& p) {
  return drawn(p.height / 2, p.width / 2, [&](std::int64_t i, std::int64_t j, std::int64_t c) {
    return (p.at(2 * i, 2 * j, c) + p.at(2 * i, 2 * j + 1, c) + p.at(2 * i + 1, 2 * j, c) +
            p.at(2 * i + 1, 2 * j + 1, c)) /
           4;
  });
}

void describe(const Picture& p, float* out) {
  std::fill_n(out, of_one_size, 0.0f);
  const auto level = [](float ink) { return std::clamp(static_cast<int>(ink * levels), 0, levels - 1); };
  const auto compare = [&](float a, float b) {
    ++out[colours + (std::lower_bound(steps.begin(), steps.end(), std::abs(a - b)) - steps.begin())];
  };
  for (std::int64_t i = 0; i < p.height; ++i)
    for (std::int64_t j = 0; j < p.width; ++j) {
      ++out[(level(p.at(i, j, 0)) * levels + level(p.at(i, j, 1))) * levels + level(p.at(i, j, 2))];
      for (std::int64_t c = 0; c < 3; ++c) {
        if (j > 0) compare(p.at(i, j, c), p.at(i, j - 1, c));
        if (i > 0) compare(p.at(i, j, c), p.at(i - 1, j, c));
      }
    }
  const auto pixels = static_cast<float>(p.height * p.width);
  const auto pairs = static_cast<float>(3 * (p.height * (p.width - 1) + p.width * (p.height - 1)));
  for (std::int64_t k = 0; k < of_one_size; ++k) out[k] = std::sqrt(out[k] / (k < colours ? pixels : pairs));
}

Picture blurred(const Picture& p) {
  const auto near = [](std::int64_t at, std::int64_t end) { return std::clamp<std::int64_t>(at, 0, end - 1); };
  const Picture across = drawn(p.height, p.width, [&](std::int64_t i, std::int64_t j, std::int64_t c) {
    return 0.7f * p.at(i, j, c) + 0.15f * (p.at(i, near(j - 1, p.width), c) + p.at(i, near(j + 1, p.width), c));
  });
  return drawn(p.height, p.width, [&](std::int64_t i, std::int64_t j, std::int64_t c) {
    return 0.7f * across.at(i, j, c) +
           0.15f * (across.at(near(i - 1, p.height), j, c) + across.at(near(i + 1, p.height), j, c));
  });
}

// Noise of deviation 1: independent values every `grain` pixels, and between them the mean of the four around, by
// nearness.
Picture noise(std::int64_t height, std::int64_t width, int grain, Rng& rng) {
  const Picture knots = drawn(height / grain + 2, width / grain + 2, [&](auto, auto, auto) { return rng.normal(); });
  const auto mixed = [&](std::int64_t i, std::int64_t j, std::int64_t c) {
    const std::int64_t y = i / grain, x = j / grain;
    const double v = (static_cast<double>(i % grain)) / grain, u = (static_cast<double>(j % grain)) / grain;
    const double weights[4] = {(1 - v) * (1 - u), (1 - v) * u, v * (1 - u), v * u};
    double sum = 0, squares = 0;
    for (int k = 0; k < 4; ++k)
      sum += weights[k] * knots.at(y + k / 2, x + k % 2, c), squares += weights[k] * weights[k];
    return sum / std::sqrt(squares);
  };
  return drawn(height, width, mixed);
}

Picture picture_of(const Tensor& pictures, std::int64_t row) {
  const Shape& s = pictures.shape();
  const float* from = pictures.data<const float>() + row * s[1] * s[2] * 3;
  return {s[1], s[2], std::vector<float>(from, from + s[1] * s[2] * 3)};
}

}  // namespace

Tensor drawing_statistics(const Tensor& pictures) {
  const std::int64_t n = pictures.shape()[0];
  Tensor out({n, 2 * of_one_size}, DType::f32);
  for (std::int64_t row = 0; row < n; ++row) {
    const Picture p = picture_of(pictures, row);
    float* at = out.data<float>() + row * 2 * of_one_size;
    describe(p, at);
    describe(half(p), at + of_one_size);
  }
  return out;
}

Tensor worn(const Tensor& pictures, Rng& rng) {
  Tensor out(pictures.shape(), DType::f32);
  float* to = out.data<float>();
  for (std::int64_t row = 0; row < pictures.shape()[0]; ++row) {
    Picture p = picture_of(pictures, row);
    if (rng.uniform() < 0.5) p = blurred(p);
    const int grain = grains[static_cast<std::size_t>(rng.uniform() * grains.size())];
    const double deviation = most_noise * rng.uniform();
    const Picture grainy = noise(p.height, p.width, grain, rng);
    for (std::size_t k = 0; k < p.ink.size(); ++k)
      *to++ = std::clamp(p.ink[k] + static_cast<float>(deviation) * grainy.ink[k], 0.0f, 1.0f);
  }
  return out;
}

}  // namespace triptych::app
