// PCGrad: each gradient is projected off those it conflicts with (Yu et al. 2020). Formula: pcgrad.cpp, `triptych
// explain pcgrad`.
#pragma once

#include "optim/surgery/method.h"

namespace triptych::surgery {

// orders[i] (any tasks, i itself is passed over): the others in the order in which gradient i meets them. The weights
// of the sum of the projected gradients.
Vector pcgrad(const Gramian& g, std::span<const std::vector<Eigen::Index>> orders);

const Method& pcgrad_method();

}  // namespace triptych::surgery
