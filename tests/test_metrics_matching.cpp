// Hungarian matching, and the metrics made of it.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/rng.h"
#include "metrics/hungarian.h"
#include "metrics/permutation.h"
#include "metrics/routing_leakage.h"
#include "metrics/slot_drift.h"
#include "metrics/swap_retrieval.h"
#include "tests/metrics_helpers.h"

using namespace triptych;
using namespace triptych::metrics;
using doctest::Approx;

namespace {

using Columns = std::vector<std::int64_t>;

// The best pairing by trying all, the first in dictionary order among equals. rows <= columns.
Assignment tried(const Tensor& cost) {
  const std::int64_t n = cost.shape()[0], m = cost.shape()[1];
  Columns order(static_cast<std::size_t>(m));
  std::iota(order.begin(), order.end(), 0);
  Assignment best{{}, INFINITY};
  do {
    double sum = 0;
    for (std::int64_t i = 0; i < n; ++i) sum += cost.at(i * m + order[static_cast<std::size_t>(i)]);
    if (sum < best.cost - 1e-9) best = {{order.begin(), order.begin() + n}, sum};
  } while (std::next_permutation(order.begin(), order.end()));
  return best;
}

// (samples, slots, width) with slot k of sample s moved to place order(k), after adding `shift` of the next stream.
Tensor slots(std::int64_t samples, std::int64_t count, std::int64_t width, std::uint64_t seed) {
  return noise(samples * count, width, seed).reshaped({samples, count, width});
}
Tensor reordered(const Tensor& x, const Columns& place) {
  const std::int64_t count = x.shape()[1], width = x.shape()[2];
  Tensor t(x.shape(), x.dtype());
  for (std::int64_t s = 0; s < x.shape()[0]; ++s)
    for (std::int64_t k = 0; k < count; ++k)
      for (std::int64_t j = 0; j < width; ++j)
        t.set((s * count + place[static_cast<std::size_t>(k)]) * width + j, x.at((s * count + k) * width + j));
  return t;
}

}  // namespace

TEST_CASE("hungarian: the cost of the best of all pairings, and the first of those that cost the same") {
  Rng rng(3);
  for (int trial = 0; trial < 400; ++trial) {
    const std::int64_t m = 1 + rng.below(8), n = 1 + rng.below(static_cast<std::uint32_t>(m));
    const bool ties = trial % 2 == 0;  // whole numbers from 0 to 2: many pairings cost the same
    const Tensor cost = matrix(n, m, [&](double, double) { return ties ? rng.below(3) : rng.normal(); });
    CAPTURE(trial);
    const Assignment found = hungarian(cost), best = tried(cost);
    CHECK(found.cost == Approx(best.cost).epsilon(1e-12));
    CHECK(found.columns == best.columns);
  }
}

TEST_CASE("hungarian: more rows than columns is the transpose, rows left over get -1") {
  const Tensor tall = matrix(3, 2, [](double i, double j) { return i == 2 ? 9 : std::abs(i - 2 * j); });
  const Assignment a = hungarian(tall);
  CHECK(a.columns == Columns{0, -1, 1});
  CHECK(a.cost == Approx(2));
  const Tensor flat = Tensor::zeros({4, 4}, DType::f32);
  CHECK(hungarian(flat).columns == Columns{0, 1, 2, 3});
  // A large case: the same pairing after rows and columns are reordered.
  const Tensor large = noise(80, 100, 7);
  const Tensor turned_round = picked(large, 80, [](std::int64_t i) { return 79 - i; });
  Columns reversed = hungarian(turned_round).columns;
  std::reverse(reversed.begin(), reversed.end());
  CHECK(reversed == hungarian(large).columns);
}

TEST_CASE("permutation_consistency: a reordering is found, in one space and in a turned one") {
  const Tensor a = slots(30, 4, 3, 1);
  const Columns place{2, 0, 3, 1};
  const PermutationConsistency same = permutation_consistency(a, reordered(a, place));
  CHECK(same.columns == place);
  CHECK(same.similarity == Approx(1));
  CHECK(same.index_drift == 1);
  CHECK(*same.agreement == 1);
  CHECK(std::abs(same.unmatched - 0.25) < 0.1);

  const Tensor other = reordered(a, place).reshaped({120, 3});
  const Tensor turn = turned(other, 0.9, 7).reshaped({30, 4, 3});
  const PermutationConsistency by_cka = permutation_consistency(a, turn, SlotSimilarity::cka);
  CHECK(by_cka.columns == place);
  CHECK(by_cka.similarity == Approx(1));
  CHECK(!by_cka.agreement);

  const PermutationConsistency none = permutation_consistency(a, slots(30, 4, 3, 2));
  CHECK(none.similarity < 0.3);
  CHECK(std::abs(*none.agreement - 0.25) < 0.15);  // 1 / K: no sample knows better
}

TEST_CASE("block_shuffle_drift: 0 for slots that only change places, 1 for slots of another sample") {
  const Tensor a = slots(40, 3, 5, 1);
  const SlotDrift none = block_shuffle_drift(a, reordered(a, {1, 2, 0}));
  CHECK(*none.value == 0);
  CHECK(none.distance == 0);
  CHECK(none.index_drift == 1);
  const SlotDrift all = block_shuffle_drift(a, slots(40, 3, 5, 2));
  CHECK(std::abs(*all.value - 1) < 0.15);
  const Tensor one = Tensor::full({5, 3, 2}, DType::f32, 0.5);
  CHECK(!block_shuffle_drift(one, one).value);
}

TEST_CASE("routing_leakage: shares, per modality, and the level of an indifferent router") {
  // Experts: text, image, shared. Token 0 is text and sends 0.2 to image; token 1 is image and stays at home.
  const Tensor gates = Tensor::from({2, 3}, std::vector<double>{0.5, 0.2, 0.3, 0, 1, 0}, DType::f64);
  const Columns modality{0, 1}, cluster{0, 1, -1};
  const RoutingLeakage r = routing_leakage(gates, modality, cluster);
  CHECK(r.value == Approx(0.1));
  CHECK(r.per_modality[0] == Approx(0.2));
  CHECK(r.per_modality[1] == 0);
  CHECK(r.chance == Approx(1.0 / 3));
  CHECK(r.normalised == Approx(0.3));
  const Tensor flat = Tensor::full({2, 3}, DType::f64, 1. / 3);
  CHECK(routing_leakage(flat, modality, cluster).normalised == Approx(1));
  CHECK(routing_leakage(Tensor::zeros({2, 3}, DType::f64), modality, cluster).value == 0);
}

TEST_CASE("swap_retrieval: right where each code names its own, and each fault shows in its own share") {
  constexpr std::int64_t views = 3, n = 20;
  Tensor of_item({views, n, 8}, DType::f64), of_view({views, n, 4}, DType::f64), of_both({views, n, 8}, DType::f64);
  for (std::int64_t v = 0; v < views; ++v)
    for (std::int64_t i = 0; i < n; ++i) {
      Rng item(1, static_cast<std::uint64_t>(i)), view(2, static_cast<std::uint64_t>(v)),
          both(3, static_cast<std::uint64_t>(v * n + i));
      for (std::int64_t j = 0; j < 8; ++j) of_item.set((v * n + i) * 8 + j, item.normal());
      for (std::int64_t j = 0; j < 4; ++j) of_view.set((v * n + i) * 4 + j, view.normal());
      for (std::int64_t j = 0; j < 8; ++j) of_both.set((v * n + i) * 8 + j, both.normal());
    }
  const SwapScore good = swap_retrieval(of_item, of_view);
  CHECK(good.right.value == 1);
  CHECK(good.found[2 * n + n - 1] == n - 1);  // the last item in the last view asks for itself in the first
  CHECK(good.right.chance == Approx(1. / 60));
  CHECK(good.item.chance == Approx(1. / 20));
  CHECK(good.view.chance == Approx(1. / 3));
  const Tensor nothing = Tensor::full({views, n, 4}, DType::f64, 2);
  const SwapScore silent = swap_retrieval(of_both, nothing);  // finds the sample that gave the shared code
  CHECK(silent.item.value == 1);
  CHECK(silent.view.value == 0);
  const SwapScore blind = swap_retrieval(nothing, of_both);
  CHECK(blind.item.value == 0);
  CHECK(blind.view.value == 1);
  const SwapScore leaking = swap_retrieval(of_item, of_item);  // the private code knows nothing of the view
  CHECK(leaking.item.value < 0.8);
  const SwapScore noise = swap_retrieval(of_both, of_both);
  CHECK(noise.right.value < 0.1);
}
