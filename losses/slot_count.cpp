#include "losses/slot_count.h"

#include "core/require.h"
#include "ops/mean.h"
#include "ops/scale.h"
#include "ops/sum.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
slot_count: keep (..., slots)  ->  value ()

  forward   L = mean over samples and slots of keep
  backward  dkeep = 1 / (number of entries)                  the same for every slot: the task decides which ones stay
  saves     nothing
  source    Fan et al. 2024, "Adaptive Slot Attention", arXiv 2406.09196; the mean of their program
)";

}  // namespace

Var slot_count(const Var& keep) {
  require(keep.shape().rank() >= 1 && keep.value().size() > 0, "slot_count", "keep", keep, "(..., slots), not empty");
  return mean(keep);
}

const OpInfo& slot_count_info() {
  static const OpInfo info{
      .name = "slot_count",
      .formula = formula,
      .inputs = {{"keep", "(..., slots)"}},
      .samples = {{"batch", {uniform(0, 1, {3, 4})}}, {"one_sample", {uniform(0, 1, {5})}}},
      .errors = {{{"scalar", {uniform(0, 1, {})}}, "[slot_count] keep () must be (..., slots), not empty"}},
      .apply = [](const Call& c) -> Outputs { return {slot_count(c[0])}; },
      .reference = [](const Call& c) -> Outputs {
        return {scale(sum(c[0]), 1 / static_cast<double>(c[0].value().size()))};
      }};
  return info;
}

}  // namespace triptych
