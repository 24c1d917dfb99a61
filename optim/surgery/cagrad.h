// CAGrad: near the mean, the direction that is best for the task it is worst for (Liu et al. 2021). Formula:
// cagrad.cpp, `triptych explain cagrad`.
#pragma once

#include "optim/surgery/method.h"

namespace triptych::surgery {

// c >= 0: the step stays within c |mean gradient| of the mean gradient.
Vector cagrad(const Gramian& g, double c);

const Method& cagrad_method();

}  // namespace triptych::surgery
