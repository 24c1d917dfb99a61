// How many directions does a code use? Three readings of its singular values s_1 >= s_2 >= ...; all lie between 1 (one
// direction, a collapsed code) and min(N, d).
//
//   effective_rank       exp(-sum p log p), p = s / sum(s)                     Roy, Vetterli 2007, eq. 1-3
//   participation_ratio  (sum l)^2 / sum l^2, l = s^2 of the centred code      Gao et al. 2017, bioRxiv 214262, eq. 2
//   stable_rank          |Z|_F^2 / |Z|_2^2 = sum s^2 / s_1^2                   Rudelson, Vershynin 2007, sec. 1
//
// An uncentred code with a large mean has an effective rank near 1 whatever its spread: pass centre = true to look at
// the spread. Undefined (nothing is returned) for an all-zero code, or a constant one where it is centred.
#pragma once

#include <optional>

#include "core/tensor.h"

namespace triptych::metrics {

// z (N, d), float32 or float64, finite; throws Error (input) otherwise.
std::optional<double> effective_rank(const Tensor& z, bool centre = false);
std::optional<double> participation_ratio(const Tensor& z);  // always centred
std::optional<double> stable_rank(const Tensor& z);          // never centred

}  // namespace triptych::metrics
