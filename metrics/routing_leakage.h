// routing_leakage: how much of a router's probability goes to experts of other modalities? Formula:
// routing_leakage.cpp, `triptych explain routing_leakage`.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/op_info.h"

namespace triptych::metrics {

struct RoutingLeakage {
  double value = 0;                  // 0 when nothing is routed
  std::vector<double> per_modality;  // the same for the tokens of each modality
  double chance = 0;                 // of a router that is indifferent
  double normalised = 0;             // value / chance; 0 when chance is 0
};

// gates (tokens, experts), not negative, finite; modality: of each token, from 0; cluster: the modality of each expert,
// -1 for a shared one. Throws Error (input) otherwise.
RoutingLeakage routing_leakage(const Tensor& gates, std::span<const std::int64_t> modality,
                               std::span<const std::int64_t> cluster);

const OpInfo& routing_leakage_info();

}  // namespace triptych::metrics
