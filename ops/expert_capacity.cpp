#include "ops/expert_capacity.h"

#include <algorithm>
#include <cmath>

namespace triptych {

std::int64_t expert_capacity(const Tensor& index, std::int64_t experts, double factor) {
  const std::int32_t* at = index.data<std::int32_t>();
  const auto choices = static_cast<double>(std::count_if(at, at + index.size(), [](std::int32_t e) { return e >= 0; }));
  return static_cast<std::int64_t>(std::ceil(factor * choices / static_cast<double>(experts) - 1e-9));
}

Tensor drop_overflow(const Tensor& index, const Tensor& probs, std::int64_t capacity, DropOrder order) {
  const std::int64_t tokens = index.shape()[0], k = index.shape()[1], experts = probs.shape()[1];
  Tensor kept = index.clone(), turn({tokens}, DType::i32), taken = Tensor::zeros({experts}, DType::i32);
  auto *choice = kept.data<std::int32_t>(), *token = turn.data<std::int32_t>(), *count = taken.data<std::int32_t>();
  for (std::int64_t t = 0; t < tokens; ++t) token[t] = static_cast<std::int32_t>(t);
  if (order == DropOrder::priority) {
    const auto score = [&](std::int32_t t) {
      const std::int32_t e = choice[t * k];
      const double p = e < 0 ? 0 : probs.at(t * experts + e);
      return std::isnan(p) ? 0 : p;
    };
    std::sort(token, token + tokens, [&](std::int32_t a, std::int32_t b) {
      const double x = score(a), y = score(b);
      return x > y || (x == y && a < b);
    });
  }
  for (std::int64_t j = 0; j < k; ++j)
    for (std::int64_t i = 0; i < tokens; ++i) {
      std::int32_t& e = choice[token[i] * k + j];
      if (e >= 0 && count[e]++ >= capacity) e = -1;
    }
  return kept;
}

}  // namespace triptych
