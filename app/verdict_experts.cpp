#include <algorithm>
#include <map>

#include "app/verdict_parts.h"

namespace triptych::app {
namespace {

using enum Verdict::Severity;

using Expert = std::pair<std::string, std::int64_t>;  // cluster (a modality, or "shared") and number

// The experts of a route, in the order of its loads (models/layers/moe_feed_forward.h): its own, the shared ones while
// the bridge is open, those of the other modalities under soft permission. None when it is not ours to read.
std::vector<Expert> experts_of(const ExpertUse& use, const RunConfig& c) {
  const std::int64_t own = c.model.moe.experts.experts, shared = c.model.moe.experts.shared_experts;
  const bool soft = c.model.moe.experts.foreign_penalty > 0;
  const std::int64_t all = std::ssize(use.load), others = soft ? (std::ssize(c.model.modalities) - 1) * own : 0;
  std::vector<Expert> experts;
  const auto add = [&](const std::string& cluster, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) experts.emplace_back(cluster, i);
  };
  const bool joint = use.modality == "all";
  if (!joint) add(use.modality, own);
  if (joint || all == own + shared + others) add("shared", shared);
  if (!joint && soft)
    for (const ModalitySpec& m : c.model.modalities)
      if (m.name != use.modality) add(m.name, own);
  if (std::ssize(experts) != all) experts.clear();
  return experts;
}

}  // namespace

// An expert is idle when no route that may use it does.
void judge_experts(const RunConfig& c, const TrainingHistory& h, std::vector<Verdict>& to) {
  std::map<std::tuple<std::int64_t, std::string, std::int64_t>, double> most;  // of an even share
  for (const ExpertUse& use : h.experts) {
    const auto experts = experts_of(use, c);
    for (std::size_t i = 0; i < experts.size(); ++i) {
      double& share = most[{use.layer, experts[i].first, experts[i].second}];
      share = std::max(share, use.load[i] * static_cast<double>(use.load.size()));
    }
  }
  std::vector<std::string> idle;
  double largest = 0;
  for (const auto& [expert, share] : most) {
    if (share >= limit::idle) continue;
    const auto& [layer, cluster, number] = expert;
    idle.push_back("expert " + std::to_string(number) + " of " + cluster + " in layer " + std::to_string(layer));
    largest = std::max(largest, share);
  }
  if (idle.empty()) return;
  to.push_back({warning,
                idle.size() == 1 ? "An expert is dead: hardly any token is sent to it"
                                 : std::to_string(idle.size()) + " experts are dead: hardly any token is sent to them",
                names(idle) + ": at most " + percents(largest) + " of an even share, of " +
                    std::to_string(most.size()) + " experts",
                "a larger weight of the balance (switch_balance on routing), moe.noise > 0, fewer moe.experts"});
}

}  // namespace triptych::app
