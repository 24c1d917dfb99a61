// Grouped dispatch of tokens to experts: what ops/moe_feed_forward.h and ops/moe_pool.h share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/tape.h"

namespace triptych {

// The choices of index int32 (tokens, k) that are not negative, sorted by expert and within one by token: R of them.
struct Dispatch {
  std::int64_t rows = 0;  // R
  std::int64_t room = 0;  // of buffers for them: R rounded up to thirds of all choices, so that a step whose routing
                          // moved a little needs no new memory
  Tensor start;           // int32 (experts + 1): the rows of expert e are [start[e], start[e+1])
  Tensor slot;            // int32 (room): row -> choice, t k + j
  Tensor token;           // int32 (room): row -> token t
  Tensor row;             // int32 (tokens k): choice -> row, -1 where it has none

  Dispatch(const Tensor& index, std::int64_t experts);
  std::int64_t begin(std::int64_t e) const { return start.data<std::int32_t>()[e]; }
  std::int64_t size(std::int64_t e) const { return begin(e + 1) - begin(e); }
};

// Weights of feed-forward experts, expert by expert as in ops/feed_forward.h with out = in = d.
struct Experts {
  Tensor w1, b1, w2, b2;  // (experts,hidden,d), (experts,hidden), (experts,d,hidden), (experts,d)
  std::int64_t count() const { return w1.shape()[0]; }
  std::int64_t hidden() const { return w1.shape()[1]; }
  std::int64_t width() const { return w1.shape()[2]; }
  std::int64_t matrix() const { return hidden() * width(); }
};

// Throws Error(input) unless gates and index are (tokens,k), the weights are those of experts of width d, and every
// index is one of them or negative. tokens and d are those of x.
void require_experts(std::string_view op, const Var& x, const Var& gates, const Var& index, const Var& w1,
                     const Var& b1, const Var& w2, const Var& b2);

// x[index[i]] for i < count, rows of `width`, in a buffer of as many rows as index has; zero where it is negative.
Tensor gathered(const Kernels& k, const Tensor& x, const Tensor& index, std::int64_t count, std::int64_t width);

// t from an element on.
inline View from(const Tensor& t, std::int64_t element) {
  return {t.data<std::byte>() + element * size_of(t.dtype()), t.dtype()};
}

}  // namespace triptych
