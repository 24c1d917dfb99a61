// LiveRows: the rows of an upstream gradient that hold anything but zeros. One loss of several reaches few rows of what
// they share (some of the slots, the samples that have a modality), and rows of zeros need no products.
#pragma once

#include "core/tensor.h"

namespace triptych {

class LiveRows {
 public:
  // dy (rows, ...). When more than half of the rows are live, all are taken: moving them would cost more than it saves.
  LiveRows(const Kernels& kernels, const Tensor& dy, std::int64_t rows);

  std::int64_t count() const { return count_; }
  // The live rows of t (rows, ...): (count, width), or t itself.
  Tensor of(const Tensor& t) const;
  // t (count, ...) at its places among zeros: `shape`, or t itself.
  Tensor among_zeros(const Tensor& t, const Shape& shape) const;

 private:
  const Kernels* kernels_;
  std::int64_t rows_, count_;
  Tensor index_;  // int32, the first `count` entries; null: all rows
};

}  // namespace triptych
