// The bridge gate of the curriculum: private first, shared later.
#pragma once

#include <algorithm>

namespace triptych {

// g(p) = clip((p - start) / (end - start), 0, 1) for training progress p = step / steps; a step at `start` when both
// are equal. While g = 0 the shared parameters rest: no gradient step, no moments, no decay.
struct Bridge {
  double start = 0.3, end = 0.6;
  double gate(double p) const {
    return end > start ? std::clamp((p - start) / (end - start), 0.0, 1.0) : (p >= start ? 1.0 : 0.0);
  }
};

}  // namespace triptych
