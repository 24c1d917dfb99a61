#include "models/objective/presets.h"

namespace triptych {

std::vector<TermConfig> preset(const std::string& scheme, bool soft) {
  const TermConfig align{"align", "clip", {"shared"}, 1, 1, WeightSchedule::gate};
  const TermConfig decorrelate{"decorrelate", "xcorr", {"private-shared", "private"}};
  const TermConfig variance{"variance", "variance_hinge", {"private", "shared"}};
  const TermConfig leakage{"leakage", "attention_leakage", {"attention"}};
  const TermConfig balance{"balance", "switch_balance", {"routing"}, 0.01, 0.01};
  if (scheme == "shared-private") return {{"reconstruct", "mse", {"reconstruction"}}, align, decorrelate, variance};
  if (scheme == "typed-slots" && soft) return {align, leakage, decorrelate, variance};
  if (scheme == "modality-moe") return {align, balance, decorrelate, variance};
  return {align, decorrelate, variance};
}

}  // namespace triptych
