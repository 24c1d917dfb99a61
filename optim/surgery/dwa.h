// Dynamic weight average: tasks whose loss falls slowly weigh more (Liu, Johns, Davison 2019). Formula: dwa.cpp,
// `triptych explain dwa`.
#pragma once

#include <memory>

#include "core/op_info.h"
#include "optim/surgery/weighting.h"

namespace triptych::surgery {

// ratios: L_i(t - 1) / L_i(t - 2) > 0; temperature > 0. The weights sum to m. Throws Error(input) otherwise.
std::vector<double> dwa(const std::vector<double>& ratios, double temperature = 2);

const OpInfo& dwa_info();

// In training: L_i(t) is the mean over epoch t, of `epoch` steps; a loss without two epochs behind it counts as one
// that stands still (ratio 1). Memory: "<loss>.sum" and "<loss>.count" of this epoch, "<loss>.last" and
// "<loss>.before", the means of the two epochs before (0: none yet), and "steps" into this epoch.
std::unique_ptr<Weighting> dwa(std::vector<std::string> losses, std::int64_t epoch);

}  // namespace triptych::surgery
