// Confidence intervals (95 %) of probe scores, for rows that come in groups: several views of one item are not as many
// independent samples.
//
//   accuracy   Wilson's interval with n_eff = n / deff samples in place of n, p the share of right rows:
//              (p + z^2 / 2n +- z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n),  z = 1.96
//              deff = max(1, V / (p (1 - p) / (n - 1))),  V = G / (G - 1) sum_g (right_g - p n_g)^2 / n^2 over the G
//              items: the design effect. p = 0, p = 1 or G = 1: n_eff = G
//   R^2        percentile bootstrap over items: 2.5 % and 97.5 % of R^2 in 1000 draws of G items with replacement
//   source     Wilson 1927; Kish 1965 (design effect); Efron, Tibshirani 1993 (bootstrap of clusters)
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "core/tensor.h"

namespace triptych::metrics {

struct Interval {
  double low = 0, high = 0;
};

// right: 1 for each row answered right, 0 otherwise; item: the group of each row. Throws Error (input) when there are
// no rows or the lengths differ.
Interval accuracy_interval(std::span<const std::uint8_t> right, std::span<const std::int32_t> item);

// predicted, truth (n, q), float32 or float64, finite. Nothing is returned when no target varies, or with fewer than 3
// items. Equal bits for any number of threads.
std::optional<Interval> r2_interval(const Tensor& predicted, const Tensor& truth, std::span<const std::int32_t> item);

}  // namespace triptych::metrics
