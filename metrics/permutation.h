// permutation_consistency: do slots or queries keep their roles between two epochs, or two runs? Formula:
// permutation.cpp, `triptych explain permutation_consistency`.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/op_info.h"

namespace triptych::metrics {

enum class SlotSimilarity {
  cosine,  // the codes live in one space: two epochs of a run
  cka,     // any two spaces: two runs
};

struct PermutationConsistency {
  double similarity = 0;              // mean over the matched pairs
  double unmatched = 0;               // mean over all pairs: its chance level
  std::vector<std::int64_t> columns;  // slot of b that goes with each slot of a
  double index_drift = 0;             // share of slots whose match has another index; chance 1 - 1 / K
  std::optional<double> agreement;    // cosine: how often a sample's own matching says the same; chance 1 / K
};

// a (B, K, p), b (B, K, q), float32 or float64, finite; cosine: p = q. Throws Error (input) otherwise, and for cka when
// B < 4.
PermutationConsistency permutation_consistency(const Tensor& a, const Tensor& b,
                                               SlotSimilarity similarity = SlotSimilarity::cosine);

const OpInfo& permutation_consistency_info();

}  // namespace triptych::metrics
