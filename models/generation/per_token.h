#pragma once

#include <cstdint>

#include "core/tape.h"
#include "ops/gather.h"

namespace triptych {

// (B,d) -> (B,L,d): every row L times.
inline Var per_token(Tape& tape, const Var& x, std::int64_t tokens) {
  Tensor index({x.shape()[0], tokens}, DType::i32);
  for (std::int64_t i = 0; i < index.size(); ++i) index.data<std::int32_t>()[i] = static_cast<std::int32_t>(i / tokens);
  return gather(x, tape.constant(index));
}

}  // namespace triptych
