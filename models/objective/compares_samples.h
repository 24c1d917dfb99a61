#pragma once

#include "core/op_info.h"

namespace triptych {

// Does the loss compare every sample with the others of its batch?
inline bool compares_samples(const OpInfo& loss) {
  return loss.name == "clip" || loss.name == "info_nce" || loss.name == "siglip" || loss.name == "contrastive_distance";
}

}  // namespace triptych
