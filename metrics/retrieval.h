// recall_at: does a code find its own pair among all the others?
//
//   score   s_ij = cos(queries_i, gallery_j)                    a zero row scores 0 against everything
//   rank_i  = #{ j : s_ij > s_ii }                              row i's match is row i; the best rank is 0
//   recall@k = #{ i : rank_i < k } / N                          a fraction
//   chance@k = min(k, N) / N                                    what a random order reaches
//
//   ties    a tie does not lower a rank, and scores within 1e-12 tie (so rounding decides nothing). Ties are therefore
//           counted in the model's favour; `tied` says how many queries have one. Where it is large (collapsed codes
//           tie everywhere and read recall 1), the recall means nothing.
//   source  the usual image-text retrieval protocol, e.g. Radford et al. 2021 (CLIP), arXiv 2103.00020
#pragma once

#include <cstdint>
#include <vector>

#include "core/tensor.h"

namespace triptych::metrics {

struct Recall {
  std::vector<std::int64_t> k;
  std::vector<double> value;   // recall at each k, a fraction
  std::vector<double> chance;  // at each k
  double tied = 0;             // fraction of queries whose match ties with another gallery row
  std::int64_t n = 0;
};

// queries, gallery (N, d), float32 or float64, finite. Throws Error (input) when the shapes differ or a k is below 1.
// Takes N^2 d multiplications and memory for 256 rows of scores per thread.
Recall recall_at(const Tensor& queries, const Tensor& gallery, const std::vector<std::int64_t>& k = {1, 5, 10});

}  // namespace triptych::metrics
