#pragma once

#include <string>

#include "models/context.h"
#include "models/layers/init.h"

namespace triptych {

// y = x W^T + b: x (..., in) -> (..., out). W (out, in) and b (out) start uniform in +-1/sqrt(in), as in PyTorch.
struct Linear {
  ParameterId weight, bias;
  Linear(const Init& init, const std::string& name, std::int64_t in, std::int64_t out);
  Var operator()(const Context& c, const Var& x) const;
};

}  // namespace triptych
