#pragma once

#include "core/op_info.h"

namespace triptych {

// KL(q || p) of Gaussians with diagonal covariance, in nats: means and natural logarithms of variances (..., d) -> ().
// Summed over d, averaged over the leading axes. mu_p and logvar_p are absent together: p is then the standard normal.
// Keep logvar in about [-10, 10]: exp overflows. Throws Error(input) on other shapes or when one of the two is absent.
// Kingma & Welling 2014, arXiv 1312.6114, appendix B.
Var kl_gaussian(const Var& mu_q, const Var& logvar_q, const Var& mu_p = {}, const Var& logvar_p = {});

const OpInfo& kl_gaussian_info();

}  // namespace triptych
