#include "metrics/slot_drift.h"

#include <cmath>

#include "metrics/answer.h"
#include "metrics/hungarian.h"

namespace triptych::metrics {
namespace {

constexpr std::string_view formula = R"(
block_shuffle_drift: before (B, K, d), after (B, K, d)  ->  value (), distance (), chance (), index_drift ()

  measures  how far a sample's K slots move when blocks of its tokens change places: 0 they do not see the order
  forward   D(s, t) = min over pairings pi of sum_i |before_si - after_t,pi(i)|^2          (Hungarian)
            distance = sqrt(sum_s D(s, s) / (B K));   chance = sqrt(sum_s D(s, s + 1 mod B) / (B K))
            value = distance^2 / chance^2;   index_drift = share of slots with pi(i) /= i in D(s, s)
  chance    value 1: the shuffled sample looks as different as another sample;   index_drift: 1 - 1/K
  misleads  slots that ignore their sample altogether (collapsed) have no drift, and no chance level either: undefined.
            A code that should know the order (positions, syntax) ought to move
  edge      undefined for one sample, and where chance is 0
  source    this project's definition, after the equivariance tests of Locatello et al. 2020, arXiv 2006.15055
)";

const char* const name = "block_shuffle_drift";

// Squared distances of the slots of sample s of x and sample t of y.
Matrix distances(const Tensor& x, std::int64_t s, const Tensor& y, std::int64_t t) {
  const std::int64_t slots = x.shape()[1], d = x.shape()[2];
  Matrix out = Matrix::Zero(slots, slots);
  for (std::int64_t i = 0; i < slots; ++i)
    for (std::int64_t j = 0; j < slots; ++j)
      for (std::int64_t k = 0; k < d; ++k) {
        const double difference = x.at((s * slots + i) * d + k) - y.at((t * slots + j) * d + k);
        out(i, j) += difference * difference;
      }
  return out;
}

}  // namespace

SlotDrift block_shuffle_drift(const Tensor& before, const Tensor& after) {
  checked_values(name, "before", before);
  checked_values(name, "after", after);
  if (before.shape().rank() != 3) refuse(name, "before", before, "(B, K, d)");
  if (after.shape() != before.shape()) refuse(name, "after", after, "(B, K, d) as before", before.shape().text());
  const std::int64_t samples = before.shape()[0], slots = before.shape()[1];
  double own = 0, other = 0;
  std::int64_t moved = 0;
  for (std::int64_t s = 0; s < samples; ++s) {
    const Assignment match = hungarian(distances(before, s, after, s));
    own += match.cost;
    for (std::int64_t i = 0; i < slots; ++i) moved += match.columns[static_cast<std::size_t>(i)] != i;
    if (samples > 1) other += hungarian(distances(before, s, after, (s + 1) % samples)).cost;
  }
  const auto all = static_cast<double>(samples * slots);
  SlotDrift d{std::sqrt(own / all), {}, {}, static_cast<double>(moved) / all};
  if (samples > 1) d.chance = std::sqrt(other / all);
  if (other > 0) d.value = own / other;
  return d;
}

const OpInfo& block_shuffle_drift_info() {
  static const OpInfo info{
      .name = name,
      .formula = formula,
      .inputs = {{"before", "(B, K, d)", Kind::constant}, {"after", "(B, K, d)", Kind::constant}},
      .samples = {{"slots", {normal(3, 4, 2), normal(3, 4, 2)}}},
      .errors = {{{"rank", {normal(3, 2), normal(3, 2)}}, "[block_shuffle_drift] before (3, 2) must be (B, K, d)"},
                 {{"shapes", {normal(3, 2, 2), normal(3, 3, 2)}},
                  "[block_shuffle_drift] after (3, 3, 2) must be (B, K, d) as before, got (3, 2, 2)"},
                 {{"one", {normal(1, 2, 2), normal(1, 2, 2)}},
                  "[block_shuffle_drift] is undefined: there is one sample, or every sample has the same slots"}},
      .apply = [](const Call& c) -> Outputs {
        const SlotDrift d = block_shuffle_drift(c[0].value(), c[1].value());
        const double value = defined(d.value, name, "there is one sample, or every sample has the same slots");
        return {number(c, value), number(c, d.distance), number(c, *d.chance), number(c, d.index_drift)};
      },
      .outputs = {"value", "distance", "chance", "index_drift"}};
  return info;
}

}  // namespace triptych::metrics
