// The published two-task toys of gradient surgery: two parameters (a, b), closed-form gradients, Adam without weight
// decay. bench/toys.cpp prints where each method ends, tests/test_surgery_toys.cpp asserts what the papers claim.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "optim/surgery/gramian.h"

namespace triptych::toys {

struct Losses {
  std::array<double, 2> value;
  surgery::Matrix jacobian;  // (task, parameter)
};
using Point = std::array<double, 2>;
using Problem = std::function<Losses(const Point&)>;
using Method = std::function<surgery::Vector(const Losses&)>;  // weights of the two gradients

constexpr double least = 5e-6;  // of an absolute value below a logarithm

// ln max(|u|, least) and its derivative by u.
inline std::array<double, 2> log_abs(double u) {
  const double size = std::abs(u);
  return {std::log(std::max(size, least)), size >= least ? 1 / u : 0};
}

// Two valleys with cliffs for b > 0, two bowls for b < 0 (Liu et al. 2021, arXiv 2110.14048, appendix; Navon et al.
// 2022 and FAMO with scale = 0.1 on the first loss):
//
//   L_1 = scale (f_1 c_1 + q_1 c_2),  L_2 = f_2 c_1 + q_2 c_2,  c_1 = max(tanh(b/2), 0),  c_2 = max(tanh(-b/2), 0)
//   f_1 = ln|(-a - 7)/2 + tanh b| + 6,  f_2 = ln|(-a + 3)/2 - tanh b + 2| + 6,  q_1,2 = ((a -+ 7)^2 + (b + 8)^2/10)/10
//   - 20
//
// The mean of the unscaled losses is least at (0, -8.3551): -15.0916. Pareto front: |a| <= 7, b about -8.4.
inline Problem valleys(double scale) {
  return [scale](const Point& x) -> Losses {
    const auto [a, b] = x;
    const double t = std::tanh(b), dt = 1 - t * t, h = std::tanh(b / 2), dh = (1 - h * h) / 2;
    const double c1 = std::max(h, 0.0), c2 = std::max(-h, 0.0), d1 = h >= 0 ? dh : 0, d2 = h <= 0 ? -dh : 0;
    const double deep = 0.1 * (b + 8) * (b + 8), ddeep = 0.02 * (b + 8);
    Losses l{{}, surgery::Matrix(2, 2)};
    for (int task = 0; task < 2; ++task) {
      const double sign = task == 0 ? 1 : -1, centre = 7 * sign, size = task == 0 ? scale : 1;
      const auto [f, df] = log_abs(task == 0 ? 0.5 * (-a - 7) + t : 0.5 * (-a + 3) - t + 2);
      const double q = ((a - centre) * (a - centre) + deep) / 10 - 20;
      l.value[static_cast<std::size_t>(task)] = size * ((f + 6) * c1 + q * c2);
      l.jacobian(task, 0) = size * (-0.5 * df * c1 + 0.2 * (a - centre) * c2);
      l.jacobian(task, 1) = size * (sign * df * dt * c1 + (f + 6) * d1 + ddeep * c2 + q * d2);
    }
    return l;
  };
}

// Two curved valleys of unequal height (Yu et al. 2020, arXiv 2001.06782, figure 1):
// L_1 = 20 ln|a/2 + tanh b|,  L_2 = 25 ln|a/2 - tanh b + 2|.
inline Losses curved(const Point& x) {
  const auto [a, b] = x;
  const double t = std::tanh(b), dt = 1 - t * t;
  const auto [f1, d1] = log_abs(0.5 * a + t);
  const auto [f2, d2] = log_abs(0.5 * a - t + 2);
  Losses l{{20 * f1, 25 * f2}, surgery::Matrix(2, 2)};
  l.jacobian << 10 * d1, 20 * dt * d1, 12.5 * d2, -25 * dt * d2;
  return l;
}

// `steps` of Adam (lr 1e-3, betas 0.9 and 0.999, eps 1e-8) along J^T w.
inline Point descend(const Problem& problem, const Method& method, Point x, int steps) {
  Point m{}, v{};
  double power1 = 1, power2 = 1;
  for (int step = 0; step < steps; ++step) {
    const Losses l = problem(x);
    const surgery::Vector g = l.jacobian.transpose() * method(l);
    power1 *= 0.9, power2 *= 0.999;
    for (std::size_t i = 0; i < 2; ++i) {
      const double gi = g(static_cast<Eigen::Index>(i));
      m[i] = 0.9 * m[i] + 0.1 * gi;
      v[i] = 0.999 * v[i] + 0.001 * gi * gi;
      x[i] -= 1e-3 * (m[i] / (1 - power1)) / (std::sqrt(v[i] / (1 - power2)) + 1e-8);
    }
  }
  return x;
}

inline surgery::Gramian gramian(const Losses& l) { return surgery::gramian_of(l.jacobian * l.jacobian.transpose()); }

}  // namespace triptych::toys
