// Learning rate as a pure function of the step, so a resumed run needs no state for it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace triptych {

// Linear warm-up, then half a cosine down to a floor (Loshchilov & Hutter 2017, arXiv 1608.03983, eq. 5, one period):
//
//   step <  warmup   peak (step + 1) / warmup
//   step >= warmup   floor + (peak - floor) (1 + cos(pi t)) / 2,   t = min((step - warmup) / (steps - warmup), 1)
//
// step counts from 0; the peak is met at steps warmup - 1 and warmup, the floor from step `steps` on.
struct WarmupCosine {
  double peak = 0, floor = 0;
  std::int64_t warmup = 0, steps = 1;

  double at(std::int64_t step) const {
    if (step < warmup) return peak * static_cast<double>(step + 1) / static_cast<double>(warmup);
    const double span = static_cast<double>(std::max<std::int64_t>(steps - warmup, 1));
    const double t = std::min(static_cast<double>(step - warmup) / span, 1.0);
    return floor + (peak - floor) * (1 + std::cos(std::numbers::pi * t)) / 2;
  }
};

}  // namespace triptych
