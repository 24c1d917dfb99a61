#include "metrics/lbfgs.h"

#include <deque>

namespace triptych::metrics {
namespace {

constexpr std::size_t memory = 10;

double dot(const Matrix& a, const Matrix& b) { return a.cwiseProduct(b).sum(); }

struct Pair {
  Matrix step, change;
  double rho;
};

}  // namespace

Minimum minimise(const Objective& o, Matrix start) {
  std::deque<Pair> pairs;
  double scale = 1;
  Minimum fit{std::move(start)};
  Matrix gradient, next_gradient;
  double value = o.value_and_gradient(fit.w, gradient);
  for (; gradient.lpNorm<Eigen::Infinity>() > o.tolerance && fit.iterations < o.most_iterations; ++fit.iterations) {
    Matrix direction = -gradient;
    std::vector<double> alpha;
    for (auto pair = pairs.rbegin(); pair != pairs.rend(); ++pair) {
      alpha.push_back(pair->rho * dot(pair->step, direction));
      direction -= alpha.back() * pair->change;
    }
    direction = scale * o.precondition(std::move(direction));
    for (const Pair& pair : pairs) {
      direction += (alpha.back() - pair.rho * dot(pair.change, direction)) * pair.step;
      alpha.pop_back();
    }

    const double slope = dot(gradient, direction);
    double length = 1, next_value = 0;
    Matrix next;
    for (; length > 1e-10; length /= 2) {
      next = fit.w + length * direction;
      next_value = o.value_and_gradient(next, next_gradient);
      if (next_value <= value + 1e-4 * length * slope) break;
    }
    if (length <= 1e-10) break;  // rounding: no smaller value can be told apart

    Pair pair{next - fit.w, next_gradient - gradient, 0};
    const double curvature = dot(pair.step, pair.change);
    if (curvature > 0) {
      pair.rho = 1 / curvature;
      scale = curvature / dot(pair.change, o.precondition(pair.change));
      pairs.push_back(std::move(pair));
      if (pairs.size() > memory) pairs.pop_front();
    }
    fit.w = std::move(next);
    gradient.swap(next_gradient);
    value = next_value;
    if (o.stop(fit.w)) break;
  }
  return fit;
}

}  // namespace triptych::metrics
