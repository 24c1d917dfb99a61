#pragma once

#include <span>

#include "core/op_info.h"

namespace triptych {

// Contrastive alignment of two or more modalities with a learnable scale: codes (n, d) each, logit_scale () = natural
// log of what cosine similarities are multiplied by (start: ln(1/0.07); clamp the parameter to [0, ln 100] after the
// optimizer's step) -> (). The mean over unordered pairs of modalities. Throws Error(input) on other shapes or fewer
// than two modalities. Radford et al. 2021, arXiv 2103.00020, figure 3.
Var clip(std::span<const Var> codes, const Var& logit_scale);

const OpInfo& clip_info();

}  // namespace triptych
