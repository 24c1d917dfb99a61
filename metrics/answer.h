// What apply() of a metric's OpInfo is made of: constants on the tape, in the dtype of the first input. Internal.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/op_info.h"

namespace triptych::metrics {

Var number(const Call& c, double value);                              // ()
Var numbers(const Call& c, const std::vector<double>& values);        // (n)
Var indices(const Call& c, const std::vector<std::int64_t>& values);  // (n) int32
std::vector<std::int64_t> whole(const Var& index);                    // an int32 input, read

// Throws Error(input, "metric.undefined"): "[name] is undefined: reason".
[[noreturn]] void undefined(std::string_view name, std::string_view reason);
template <class T>
const T& defined(const std::optional<T>& value, std::string_view name, std::string_view reason) {
  if (!value) undefined(name, reason);
  return *value;
}

// True when the text parameter `name` is `second`, false when it is `first`; throws Error(input) otherwise.
bool chosen(const Call& c, std::string_view name, std::string_view first, std::string_view second);

}  // namespace triptych::metrics
