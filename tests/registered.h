// The list that the registry walk and the mutation check go through.
#pragma once

#include <vector>

#include "losses/registry.h"
#include "ops/registry.h"

inline std::vector<const triptych::OpInfo*> registered() {
  std::vector<const triptych::OpInfo*> all;
  for (const auto list : {triptych::all_ops(), triptych::all_losses()}) all.insert(all.end(), list.begin(), list.end());
  return all;
}
