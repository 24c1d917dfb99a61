#include "models/objective/presets.h"

namespace triptych {

std::vector<TermConfig> preset(const std::string& scheme) {
  const TermConfig align{"align", "clip", {"shared"}, 1, 1, WeightSchedule::gate};
  const TermConfig decorrelate{"decorrelate", "xcorr", {"private-shared", "private"}};
  const TermConfig variance{"variance", "variance_hinge", {"private", "shared"}};
  if (scheme == "shared-private") return {{"reconstruct", "mse", {"reconstruction"}}, align, decorrelate, variance};
  return {align, decorrelate, variance};
}

}  // namespace triptych
