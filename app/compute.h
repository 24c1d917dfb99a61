// A registered function on the arrays of a file: what `triptych compute` does between reading and writing.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/op_info.h"
#include "data/npz.h"

namespace triptych::app {

// What the --param options say: settings of the function, and values for its scalar inputs.
struct Params {
  Settings settings;
  std::vector<std::pair<std::string, double>> scalars;
};

// words: "key=value" each. Throws Error(usage) for a word of another form, a key given twice, an unknown key (with the
// nearest one) or a value of the wrong type.
Params read_params(const OpInfo& info, const std::vector<std::string>& words);

struct Request {
  const OpInfo& info;
  Params params;
  bool grad = false;
  DType dtype = DType::f64;
};

// The outputs that the call has, and with grad "grad_<input>" of every differentiable input given (zeros where the
// output does not depend on it). Members are matched to inputs by name; "upstream" is dL/d(first differentiable
// output): of its shape, or a scalar that stands for every element; 1 when absent. A scalar has shape (); (1,) is
// refused like any wrong rank.
//
// Throws Error, all naming the member; file serves the messages:
//   input      "compute.member" (unknown, with the nearest; missing, with the pattern), "compute.rank",
//              "array.non-finite", what to_floats and to_int64s throw, and the function's own shape errors
//   usage      "compute.twice": a scalar in the file and as --param; the function's own parameter errors
//   numerical  "compute.non-finite": an output or gradient holds NaN or Inf
data::NamedArrays compute(const Request& request, const data::NamedArrays& members, const std::string& file);

}  // namespace triptych::app
