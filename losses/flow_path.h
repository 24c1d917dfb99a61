#pragma once

#include "core/op_info.h"

namespace triptych {

struct FlowPath {
  Var x_t, target;
};

// The straight path from noise x0 to data x1: x0, x1 (n, ...), t (n) or (n, 1), one time a sample, t = 1 is data ->
// x_t = (1 - t) x0 + t x1 and target = x1 - x0, the velocity along it; both of the shape of x0. t is a constant. Throws
// Error(input) on other shapes. Liu, Gong, Liu 2023, arXiv 2209.03003, eq. 1; Lipman et al. 2023, arXiv 2210.02747.
FlowPath flow_path(const Var& x0, const Var& x1, const Var& t);

const OpInfo& flow_path_info();

// The shape rules of the path, for losses on it.
void require_path(std::string_view loss, const Var& x0, const Var& x1, const Var& t);

}  // namespace triptych
