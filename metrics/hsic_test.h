// hsic_test: are two codes of the same samples dependent at all, in any way? HSIC with a permutation p-value. Formula:
// hsic_test.cpp, `triptych explain hsic_test`. The differentiable value is the loss of name `hsic`.
#pragma once

#include <cstdint>
#include <optional>

#include "core/op_info.h"

namespace triptych::metrics {

struct HsicTestOptions {
  bool rbf = true;                   // else linear kernels
  std::int64_t permutations = 1000;  // drawn; all N! are gone through when N <= 7
  std::uint64_t seed = 0;
};
struct HsicTest {
  double value = 0;        // biased HSIC, (N - 1)^2 in the denominator
  double p_value = 0;      // in (0, 1]: how often codes paired at random reach it
  double chance = 0;       // mean HSIC of codes paired at random
  std::int64_t draws = 0;  // permutations looked at
};

// a (N, p), b (N, q), float32 or float64, finite. Throws Error (input) when the rows differ in number, N < 4 or fewer
// than one permutation is asked for. Undefined (nothing is returned) as for cka. N^2 steps a permutation, memory for
// two (N, N) doubles; the same bits for any number of threads.
std::optional<HsicTest> hsic_test(const Tensor& a, const Tensor& b, const HsicTestOptions& options = {});

const OpInfo& hsic_test_info();

}  // namespace triptych::metrics
