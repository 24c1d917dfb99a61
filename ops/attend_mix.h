#pragma once

#include "core/op_info.h"

namespace triptych {

// What several queries read, mixed: mix (s, r) times the y of attend(q, x, mask), q (r, d) the same in every sample,
// x (B, L, d) -> (B, s, d). Where only means over queries are needed, the maps are mixed before they meet the tokens,
// so the second product has s rows instead of r. mask (B, L), 1 = real, or absent; mask and mix are constants. A sample
// without a real token gives zeros. Throws Error(input) when the sizes do not fit.
Var attend_mix(const Var& q, const Var& x, const Var& mix, const Var& mask = {});

const OpInfo& attend_mix_info();

}  // namespace triptych
