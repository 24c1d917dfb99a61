// The list that the registry walk and the mutation check go through, and a sample of an entry evaluated.
#pragma once

#include <vector>

#include "core/op_info.h"
#include "losses/registry.h"
#include "ops/registry.h"

inline std::vector<const triptych::OpInfo*> registered() {
  std::vector<const triptych::OpInfo*> all;
  for (const auto list : {triptych::all_ops(), triptych::all_losses()}) all.insert(all.end(), list.begin(), list.end());
  return all;
}

inline triptych::Outputs computed(const triptych::OpInfo& info, triptych::Tape& tape, const triptych::Sample& sample,
                                  triptych::DType dtype) {
  std::vector<triptych::Var> in;
  return triptych::call(info, tape, triptych::make_inputs(info, sample, dtype), sample.settings, in);
}
