// block_shuffle_drift: when blocks of a sample's tokens change places, how far do its slots move? Formula:
// slot_drift.cpp, `triptych explain block_shuffle_drift`.
#pragma once

#include <optional>

#include "core/op_info.h"

namespace triptych::metrics {

struct SlotDrift {
  double distance = 0;           // root of the mean squared distance of matched slots
  std::optional<double> chance;  // the same against the next sample's slots; absent for one sample
  std::optional<double> value;   // distance^2 / chance^2; absent where that has no meaning
  double index_drift = 0;        // share of slots whose match has another index; chance 1 - 1 / K
};

// before, after (B, K, d): the slots of the same samples, in their own order and with their blocks shuffled; float32 or
// float64, finite. Throws Error (input) otherwise.
SlotDrift block_shuffle_drift(const Tensor& before, const Tensor& after);

const OpInfo& block_shuffle_drift_info();

}  // namespace triptych::metrics
