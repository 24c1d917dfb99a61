#pragma once

#include <algorithm>
#include <string_view>

#include "core/op_info.h"

namespace triptych {

inline bool has_input(const OpInfo& loss, std::string_view name) {
  return std::any_of(loss.inputs.begin(), loss.inputs.end(), [&](const Input& i) { return i.name == name; });
}

}  // namespace triptych
