// The source text's objectives, one per scheme.
#pragma once

#include <string>
#include <vector>

#include "models/objective/term.h"

namespace triptych {

//   query-banks      InfoNCE on the shared codes + decorrelation of the private codes (whole cross-correlation to 0)
//                    + variance hinge, without which private codes that are 0 would be best
//   typed-slots      leakage penalty (soft permission; nothing leaks through a hard one) + alignment of the shared
//   slots shared-private   task (reconstruction) + alpha g(p) alignment + beta(p) decorrelation modality-moe     CLIP +
//   balance of each modality's experts
//
// All but shared-private, whose reconstruction does it, keep private codes from being 0 by the variance hinge and apart
// from the shared ones by the correlation.
// soft: the slots may read foreign tokens, so that there is a leakage to penalise.
std::vector<TermConfig> preset(const std::string& scheme, bool soft = false);

}  // namespace triptych
