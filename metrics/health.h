// How many directions does a code use? Three readings of its singular values; all lie between 1 (one direction, a
// collapsed code) and min(N, d). Formulas: health.cpp, `triptych explain effective_rank`. Undefined (nothing is
// returned) for an all-zero code, or a constant one where it is centred.
#pragma once

#include <optional>

#include "core/op_info.h"

namespace triptych::metrics {

// z (N, d), float32 or float64, finite; throws Error (input) otherwise.
std::optional<double> effective_rank(const Tensor& z, bool centre = false);
std::optional<double> participation_ratio(const Tensor& z);  // always centred
std::optional<double> stable_rank(const Tensor& z);          // never centred

const OpInfo& effective_rank_info();

}  // namespace triptych::metrics
