// What the program knows by name, gathered from the registries of the folders below.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/gradcheck.h"
#include "core/op_info.h"

namespace triptych::app {

// A function that `explain` and `compute` can be asked for.
struct Named {
  const char* kind;  // "op", "loss", "metric", "surgery"
  const OpInfo* info;
};
const std::vector<Named>& all_named();
// All of that name, at least one: `mean` and `sum` are ops and methods of gradient surgery. Throws Error(usage) with
// the nearest name.
std::vector<Named> find_named(const std::string& name);

// "x (..., d), gamma (d), mask (n) [optional]".
std::string inputs_text(const OpInfo& info);
// A parameter's value as --param takes it.
std::string setting_text(const Setting& setting);

// One line of `gradcheck`.
struct Check {
  const char* kind;  // "op", "loss", "surgery", "scheme"
  std::string name, sample;
  std::function<GradcheckResult(const Kernels&)> run;
};
// The one place where checks are gathered, in the order in which they run.
std::vector<Check> all_checks();

}  // namespace triptych::app
