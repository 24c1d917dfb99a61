// What the functions of one number per task share: checked values in, answers out. Internal.
#pragma once

#include <string_view>
#include <vector>

#include "core/op_info.h"

namespace triptych::surgery {

enum class Bound { finite, not_negative, positive };
// Throws Error(input, "surgery.values") unless `values` has `size` entries, at least one, all finite and within the
// bound.
void require_values(std::string_view name, std::string_view argument, const std::vector<double>& values,
                    std::size_t size, Bound bound = Bound::finite);

// The values of an input (m). Throws Error(input) on another rank.
std::vector<double> per_task(const Call& c, std::size_t input);
Var answer(const Call& c, const std::vector<double>& values);  // (m), in the dtype of the first input

// exp(x_i) / sum exp(x), from the largest down.
std::vector<double> softmax_of(const std::vector<double>& x);

}  // namespace triptych::surgery
