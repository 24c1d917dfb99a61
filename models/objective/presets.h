// The source text's objectives, one per scheme.
#pragma once

#include <string>
#include <vector>

#include "models/objective/term.h"

namespace triptych {

//   query-banks      InfoNCE on the shared codes + decorrelation of the private codes (whole cross-correlation to 0)
//                    + variance hinge, without which private codes that are 0 would be best
//   typed-slots      leakage penalty + alignment of the shared slots
//   shared-private   task (reconstruction) + alpha g(p) alignment + beta(p) decorrelation
//   modality-moe     CLIP + balance (flow matching and the Gaussian prior need a generator: added where there is one)
std::vector<TermConfig> preset(const std::string& scheme);

}  // namespace triptych
