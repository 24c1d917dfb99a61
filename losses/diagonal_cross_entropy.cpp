#include "losses/diagonal_cross_entropy.h"

#include "ops/add.h"
#include "ops/cross_entropy.h"
#include "ops/scale.h"
#include "ops/transpose.h"

namespace triptych {

Var diagonal_cross_entropy(const Var& s) {
  const std::int64_t n = s.shape()[0];
  Tensor target({n}, DType::i32);
  for (std::int64_t i = 0; i < n; ++i) target.data<std::int32_t>()[i] = static_cast<std::int32_t>(i);
  return cross_entropy(s, s.tape().constant(target));
}

Var symmetric_cross_entropy(const Var& s) {
  return scale(add(diagonal_cross_entropy(s), diagonal_cross_entropy(transpose(s))), 0.5);
}

}  // namespace triptych
