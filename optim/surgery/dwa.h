// Dynamic weight average: tasks whose loss falls slowly weigh more (Liu, Johns, Davison 2019). Formula: dwa.cpp,
// `triptych explain dwa`.
#pragma once

#include "core/op_info.h"

namespace triptych::surgery {

// ratios: L_i(t - 1) / L_i(t - 2) > 0; temperature > 0. The weights sum to m. Throws Error(input) otherwise.
std::vector<double> dwa(const std::vector<double>& ratios, double temperature = 2);

const OpInfo& dwa_info();

}  // namespace triptych::surgery
