// Swap retrieval: whose sample is [the shared code of one; the private code of another]? Formula: swap_retrieval.cpp,
// `triptych explain swap_retrieval`.
#pragma once

#include <cstdint>
#include <vector>

#include "core/op_info.h"

namespace triptych::metrics {

struct SwapScore {
  struct Share {
    double value = 0, chance = 0;
  };
  Share right, item, view;
  std::vector<std::int64_t> found;  // v n + i asks; w n + k is found: item k in view w
};

// shared (V, n, d), private_code (V, n, p): item i in view v at row i of block v; V, n >= 2. Throws Error (input)
// otherwise.
SwapScore swap_retrieval(const Tensor& shared, const Tensor& private_code);

const OpInfo& swap_retrieval_info();

}  // namespace triptych::metrics
