#pragma once

#include "models/context.h"
#include "models/factors.h"

namespace triptych {

// A code with a distribution, of y = [mu; r] (B, 2 w):
//
//   log variance  l = 10 tanh(r / 10), kept in (-10, 10) so that exp cannot overflow
//   code          mu + e^(l / 2) noise, noise ~ N(0, I), in training; mu at evaluation       (B, w)
//
// Kingma & Welling 2014, arXiv 1312.6114, section 2.4; the bound on l is ours.
struct GaussianCode {
  Factors::Gaussian distribution;
  Var code;
};
GaussianCode gaussian_code(Context& c, const Var& y);

}  // namespace triptych
