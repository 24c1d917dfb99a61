#pragma once

#include <cstdint>

#include "ops/slice.h"

namespace triptych {

// View v of a code (views * n, ...): its rows v n to (v + 1) n.
inline Var view_of(const Var& code, std::int64_t views, std::int64_t v) {
  const std::int64_t n = code.shape()[0] / views;
  return views == 1 ? code : slice(code, 0, v * n, (v + 1) * n);
}

}  // namespace triptych
