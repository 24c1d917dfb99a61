// The list that the registry walk and the mutation check go through.
#pragma once

#include <vector>

#include "ops/registry.h"

inline std::vector<const triptych::OpInfo*> registered() {
  std::vector<const triptych::OpInfo*> list;
  for (const triptych::OpInfo* op : triptych::all_ops()) list.push_back(op);
  return list;
}
