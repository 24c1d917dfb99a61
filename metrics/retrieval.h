// recall_at: does a code find its own pair among all the others? Formula: retrieval.cpp, `triptych explain recall_at`.
#pragma once

#include <cstdint>
#include <vector>

#include "core/op_info.h"

namespace triptych::metrics {

struct Recall {
  std::vector<std::int64_t> k;
  std::vector<double> value;            // recall at each k, a fraction
  std::vector<double> chance;           // at each k
  double tied = 0;                      // fraction of queries whose match ties with another gallery row
  std::vector<std::int64_t> rank = {};  // of each query's match, from 0
  std::int64_t n = 0;
};

// queries, gallery (N, d), float32 or float64, finite. Throws Error (input) when the shapes differ or a k is below 1.
// Takes N^2 d multiplications and memory for 256 rows of scores per thread.
Recall recall_at(const Tensor& queries, const Tensor& gallery, const std::vector<std::int64_t>& k = {1, 5, 10});

const OpInfo& recall_at_info();

}  // namespace triptych::metrics
