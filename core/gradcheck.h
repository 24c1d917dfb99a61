// Gradient check: the tape's gradients against finite differences, in float64.
//
//   L(x) = sum_k <u_k, y_k(x)>   with random signed u (an upstream of ones cannot see a wrong softmax)
//
// Entry by entry for inputs of up to `full_entries` elements, along random directions beyond; six-point stencil with
// h = 5.8e-3 where the function is smooth, two-point with h = 6e-6 where it has kinks. The error of an input is
// max |analytic - numeric| / max |numeric|, so entries are judged on the scale of their own gradient.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/op_info.h"

namespace triptych {

struct GradcheckOptions {
  double tolerance = 1e-7;
  int draws = 3;  // upstream vectors, and directions of a large input
  std::int64_t full_entries = 400;
  bool kinks = false;
  double step = 0;  // h; 0 takes the one named above
};

struct GradcheckResult {
  std::int64_t checks = 0;  // comparisons of one number with its finite difference
  double max_rel_error = 0;
  bool pass = false;
  std::string reason;  // why not: which input, and what was compared; empty when it passed
};

// Records the function on a fresh tape, given its inputs as Vars; returns its outputs.
using Recorded = std::function<Outputs(Tape&, std::span<const Var>)>;

// Fails, with a reason, when an error exceeds the tolerance, when a gradient is missing, not finite or all zero
// (a check that compares zeros proves nothing), when walking the same tape twice gives other bits, or when a zero
// upstream gives a gradient. `names` serve the reasons. `inputs` are float64; null ones and those whose
// `differentiable` is false are passed through.
GradcheckResult gradcheck(const Recorded& function, std::span<const Tensor> inputs,
                          const std::vector<bool>& differentiable, const std::vector<std::string>& names,
                          const Kernels& kernels, const GradcheckOptions& options = {});

// One sample of a registered op or loss.
GradcheckResult gradcheck(const OpInfo& info, const Sample& sample, const Kernels& kernels, bool reference = false);

}  // namespace triptych
