#include "metrics/interval.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <vector>

#include "backends/cpu/parallel.h"
#include "core/rng.h"
#include "metrics/dense.h"

namespace triptych::metrics {
namespace {

constexpr double z = 1.959963984540054;
constexpr int draws = 1000;

// Rows of each item, items in the order of their number.
std::vector<std::vector<std::size_t>> groups_of(std::span<const std::int32_t> item) {
  std::map<std::int32_t, std::vector<std::size_t>> by_item;
  for (std::size_t i = 0; i < item.size(); ++i) by_item[item[i]].push_back(i);
  std::vector<std::vector<std::size_t>> groups;
  for (auto& [number, rows] : by_item) groups.push_back(std::move(rows));
  return groups;
}

Interval wilson(double p, double n) {
  const double centre = p + z * z / (2 * n), reach = z * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  return {std::max(0.0, (centre - reach) / (1 + z * z / n)), std::min(1.0, (centre + reach) / (1 + z * z / n))};
}

// What R^2 needs of one item and target.
struct Sums {
  double rows = 0, y = 0, yy = 0, error = 0;
};

}  // namespace

Interval accuracy_interval(std::span<const std::uint8_t> right, std::span<const std::int32_t> item) {
  if (right.empty() || right.size() != item.size())
    refuse("accuracy_interval", "right", Tensor::zeros({std::ssize(right)}, DType::f32), "(n) with one item a row",
           std::to_string(item.size()));
  const auto groups = groups_of(item);
  const double n = static_cast<double>(right.size()), g = static_cast<double>(groups.size());
  const double p = static_cast<double>(std::count(right.begin(), right.end(), 1)) / n;
  if (p == 0 || p == 1 || groups.size() == 1) return wilson(p, g);
  double squares = 0;
  for (const auto& rows : groups) {
    double excess = -p * static_cast<double>(rows.size());
    for (const std::size_t r : rows) excess += right[r];
    squares += excess * excess;
  }
  const double variance = g / (g - 1) * squares / (n * n);
  return wilson(p, n / std::max(1.0, variance / (p * (1 - p) / (n - 1))));
}

std::optional<Interval> r2_interval(const Tensor& predicted, const Tensor& truth, std::span<const std::int32_t> item) {
  const Matrix f = checked_matrix("r2_interval", "predicted", predicted),
               y = checked_matrix("r2_interval", "truth", truth);
  if (predicted.shape() != truth.shape() || std::ssize(item) != y.rows())
    refuse("r2_interval", "truth", truth, "(n, q) as predicted, with one item a row", predicted.shape().text());
  const auto groups = groups_of(item);
  if (groups.size() < 3) return std::nullopt;
  const Eigen::Index targets = y.cols();
  const Eigen::RowVectorXd mean = y.colwise().mean();  // taken off first, so that sums of squares do not cancel
  std::vector<Sums> sums(groups.size() * static_cast<std::size_t>(targets));
  for (std::size_t g = 0; g < groups.size(); ++g)
    for (const std::size_t row : groups[g])
      for (Eigen::Index t = 0; t < targets; ++t) {
        const auto i = static_cast<Eigen::Index>(row);
        Sums& s = sums[g * static_cast<std::size_t>(targets) + static_cast<std::size_t>(t)];
        const double value = y(i, t) - mean(t), error = y(i, t) - f(i, t);
        s.rows += 1, s.y += value, s.yy += value * value, s.error += error * error;
      }
  // Each draw has random numbers and a place of its own, so the bits do not depend on who takes it.
  std::vector<double> drawn(draws, std::numeric_limits<double>::quiet_NaN());
  cpu::parallel_for(draws, draws * static_cast<std::int64_t>(sums.size()), [&](std::int64_t draw) {
    Rng rng(0, static_cast<std::uint64_t>(draw));
    std::vector<Sums> all(static_cast<std::size_t>(targets));
    for (std::size_t k = 0; k < groups.size(); ++k) {
      const std::size_t g = rng.below(static_cast<std::uint32_t>(groups.size()));
      for (std::size_t t = 0; t < all.size(); ++t) {
        const Sums& s = sums[g * all.size() + t];
        all[t].rows += s.rows, all[t].y += s.y, all[t].yy += s.yy, all[t].error += s.error;
      }
    }
    double r2 = 0;
    int scored = 0;
    for (const Sums& s : all) {
      const double total = s.yy - s.y * s.y / s.rows;
      if (total <= 1e-12 * s.yy) continue;
      r2 += 1 - s.error / total;
      ++scored;
    }
    if (scored > 0) drawn[static_cast<std::size_t>(draw)] = r2 / scored;
  });
  std::vector<double> values;
  std::ranges::copy_if(drawn, std::back_inserter(values), [](double x) { return !std::isnan(x); });
  if (values.empty()) return std::nullopt;
  std::sort(values.begin(), values.end());
  const auto at = [&](double share) {
    return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
  };
  return Interval{at(0.025), at(0.975)};
}

}  // namespace triptych::metrics
