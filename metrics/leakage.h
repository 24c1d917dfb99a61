// Leakage: how much of what should be absent is there, as a fraction, next to its chance level?
//
//   chance_corrected(accuracy, chance) = max(0, (accuracy - chance) / (1 - chance))
//     what a probe reads from a code beyond guessing: 0 at or below chance, 1 at the ceiling, which is accuracy 1
//   attention_leakage = sum of attention on foreign tokens / sum of all attention
//     chance      the same for attention that is indifferent: each query spreads its sum evenly over the real tokens
//     normalised  value / chance: 1 is indifferent, 0 is none
//
//   source  the ratio of sums is this project's definition; chance correction as in Cohen 1960 (kappa)
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/tensor.h"

namespace triptych::metrics {

// Both are fractions; undefined (nothing is returned) at chance 1. Throws Error (input) outside [0, 1].
std::optional<double> chance_corrected(double accuracy, double chance);

struct AttentionLeakage {
  double value = 0;       // 0 when there is no attention at all
  double chance = 0;      // 0 when no token is foreign
  double normalised = 0;  // value / chance; 0 when chance is 0
  std::vector<double> per_query;
};

// attention (queries, tokens), float32 or float64, finite, not negative; foreign: the columns of the other modalities,
// each once. Throws Error (input) for a column outside the tokens or named twice.
AttentionLeakage attention_leakage(const Tensor& attention, std::span<const std::int64_t> foreign);

// One per head, summed over the batch: attention (B, heads, queries, tokens), mask (B, tokens) with 1 for a real token,
// or absent when all are. Attention on padding counts for nothing.
std::vector<AttentionLeakage> attention_leakage_per_head(const Tensor& attention, std::span<const std::int64_t> foreign,
                                                         const Tensor& mask = {});

}  // namespace triptych::metrics
