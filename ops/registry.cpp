#include "ops/registry.h"

#include "ops/layer_norm.h"

namespace triptych {

std::span<const OpInfo* const> all_ops() {
  static const OpInfo* const list[] = {
      &layer_norm_info(),
  };
  return list;
}

}  // namespace triptych
