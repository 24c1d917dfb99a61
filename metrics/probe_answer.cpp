#include "metrics/probe_answer.h"

#include <algorithm>
#include <numeric>

#include "metrics/interval.h"
#include "metrics/leakage.h"

namespace triptych::metrics {

Labels labels_of(const Var& index) {
  return {index.value().data<std::int32_t>(), static_cast<std::size_t>(index.value().size())};
}

Outputs probe_outputs(const Call& c, const ProbeScore& score) {
  std::vector<std::int32_t> own(score.right.size());
  std::iota(own.begin(), own.end(), 0);
  const Interval i = accuracy_interval(score.right, own);
  const double chance = std::max(score.chance, score.majority);
  return {number(c, score.accuracy), number(c, i.low), number(c, i.high), number(c, chance),
          number(c, defined(chance_corrected(score.accuracy, chance), c.info.name, "test_y holds one class"))};
}

}  // namespace triptych::metrics
