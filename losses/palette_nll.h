#pragma once

#include "core/op_info.h"

namespace triptych {

// What a pixel costs that was said to be free or of one of K colours: x1 (n,L,D), t (n) constant in [0, 1], free
// (n,L,D) the colour of a free pixel, logits (n,L,K+1) of being free and of each colour, colours (n,K,D) -> (), at
// least 0. spread: s, how far a pixel of a colour may be from it. The cross-entropy of a colour that is not told: it
// asks for decisions, where the mean square asks for a mean of colours (Zhang, Isola, Efros 2016, arXiv 1603.08511). A
// mixture's likelihood as the loss of a flow: Chen et al. 2025, arXiv 2504.05304. Throws Error(input) on other shapes,
// spread <= 0 and times elsewhere. s is wider than the 0.05 of palette_velocity; neither was tuned.
Var palette_nll(const Var& x1, const Var& t, const Var& free, const Var& logits, const Var& colours,
                double spread = 0.1);

const OpInfo& palette_nll_info();

}  // namespace triptych
