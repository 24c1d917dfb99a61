// Capacity of experts: how many tokens each may take, and which are dropped (Fedus et al. 2022, section 2.2; batch
// priority: Riquelme et al. 2021, section 4). Deterministic; nothing here has a gradient.
#pragma once

#include <cstdint>

#include "core/tensor.h"

namespace triptych {

enum class DropOrder : std::uint8_t {
  position,  // all first choices before all second ones, each in the order of the tokens
  priority,  // the same, but the tokens in falling order of the probability of their first choice, ties by position
};

// ceil(factor * choices / experts), choices = entries of index (tokens, k) that are not -1, so that padding claims no
// room. No rounding to multiples: at small sizes that would raise the factor unseen.
std::int64_t expert_capacity(const Tensor& index, std::int64_t experts, double factor);

// The same index with -1 in the places of the (token, choice) pairs past the capacity of their expert. index int32
// (tokens, k) with entries below `experts`, the number of columns of probs (tokens, experts).
Tensor drop_overflow(const Tensor& index, const Tensor& probs, std::int64_t capacity, DropOrder order);

}  // namespace triptych
