// Hungarian matching: which row goes with which column, at the least total cost? Formula: hungarian.cpp, `triptych
// explain hungarian`.
#pragma once

#include <cstdint>
#include <vector>

#include "core/op_info.h"
#include "metrics/dense.h"

namespace triptych::metrics {

struct Assignment {
  std::vector<std::int64_t> columns;  // of each row; -1 where there are more rows than columns and none is left
  double cost = 0;                    // sum over the matched rows, in their order
};

// cost (rows, columns), any sizes and signs, finite. Throws Error (input) otherwise.
Assignment hungarian(const Tensor& cost);
Assignment hungarian(const Matrix& cost);  // the same, already checked

const OpInfo& hungarian_info();

}  // namespace triptych::metrics
