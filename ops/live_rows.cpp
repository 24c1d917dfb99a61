#include "ops/live_rows.h"

#include <algorithm>

namespace triptych {
namespace {

constexpr std::int64_t least_rows = 64;  // fewer are not worth the look

template <class T>
std::int64_t find(const T* dy, std::int64_t rows, std::int64_t width, std::int32_t* index) {
  std::int64_t count = 0;
  for (std::int64_t r = 0; r < rows; ++r) {
    const T* row = dy + r * width;
    if (std::any_of(row, row + width, [](T v) { return v != 0; })) index[count++] = static_cast<std::int32_t>(r);
  }
  return count;
}

}  // namespace

LiveRows::LiveRows(const Kernels& kernels, const Tensor& dy, std::int64_t rows)
    : kernels_(&kernels), rows_(rows), count_(rows) {
  if (rows < least_rows) return;
  Tensor index({rows}, DType::i32);
  const std::int64_t width = dy.size() / rows;
  auto* into = index.data<std::int32_t>();
  const std::int64_t live =
      dy.dtype() == DType::f32 ? find(dy.data<float>(), rows, width, into) : find(dy.data<double>(), rows, width, into);
  if (2 * live > rows) return;
  if (live == 0) index.set(0, 0);  // a row of zeros gives what no row would
  count_ = std::max<std::int64_t>(live, 1);
  index_ = index;
}

Tensor LiveRows::of(const Tensor& t) const {
  if (!index_) return t;
  const std::int64_t width = t.size() / rows_;
  Tensor live({count_, width}, t.dtype());
  kernels_->gather(t.view(), index_.view(), live.view(), count_, width);
  return live;
}

Tensor LiveRows::among_zeros(const Tensor& t, const Shape& shape) const {
  if (!index_) return t;
  Tensor all(shape, t.dtype());
  kernels_->gather_backward(t.view(), index_.view(), all.view(), count_, rows_, t.size() / count_);
  return all;
}

}  // namespace triptych
