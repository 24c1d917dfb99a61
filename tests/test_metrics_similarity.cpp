#include <doctest/doctest.h>

#include <cmath>

#include "core/error.h"
#include "metrics/cca.h"
#include "metrics/cka.h"
#include "metrics/health.h"
#include "metrics/hsic_test.h"
#include "metrics/leakage.h"
#include "metrics/pca.h"
#include "tests/metrics_helpers.h"

using namespace triptych;
using namespace triptych::metrics;
using doctest::Approx;

namespace {

const CkaOptions linear_biased{CkaKernel::linear, CkaEstimator::biased, {}};
const CkaOptions rbf_biased{CkaKernel::rbf, CkaEstimator::biased, {}};
const CkaOptions rbf_debiased{CkaKernel::rbf, CkaEstimator::debiased, {}};

constexpr double cka_demo[] = {
#include "tests/golden/cka_demo.inc"
};
Tensor demo(int side) {
  return matrix(100, 10,
                [&](double i, double j) { return cka_demo[static_cast<int>((i - 1) * 20 + 10 * side + j - 1)]; });
}

}  // namespace

TEST_CASE("cka: golden values") {
  const Tensor a = golden_z1(), b = golden_z2();
  CHECK(*cka(a, b, linear_biased) == Approx(0.536606055518181).epsilon(1e-12));
  CHECK(*cka(a, b) == Approx(0.28166105664133706).epsilon(1e-11));
  CHECK(*cka(a, b, rbf_biased) == Approx(0.7277265265267101).epsilon(1e-11));
  CHECK(*cka(a, b, rbf_debiased) == Approx(0.39864434175505675).epsilon(1e-11));
}

TEST_CASE("cka: the published demo") {
  const Tensor x = demo(0), y = demo(1);
  CHECK(*cka(x, y, linear_biased) == Approx(0.5576132566117588).epsilon(1e-11));
  CHECK(*cka(x, y) == Approx(0.5134564895055259).epsilon(1e-11));
  CHECK(*cka(x, y, {CkaKernel::rbf, CkaEstimator::biased, 0.5}) == Approx(0.6548311822614982).epsilon(1e-11));
  MinibatchCka batches;
  for (int b = 0; b < 4; ++b) {
    const auto part = [b](std::int64_t i) { return 25 * b + i; };
    batches.add(picked(x, 25, part), picked(y, 25, part));
  }
  CHECK(*batches.value() == Approx(0.5132675063590595).epsilon(1e-11));
}

TEST_CASE("cka: invariances, self-similarity, symmetry") {
  const Tensor a = noise(40, 5, 1), b = noise(40, 3, 2);
  const auto order = [](std::int64_t i) { return (i * 7) % 40; };
  for (const CkaOptions& o : {CkaOptions{}, linear_biased, rbf_biased, rbf_debiased}) {
    const double value = *cka(a, b, o);
    CHECK(*cka(a, a, o) == Approx(1).epsilon(1e-12));
    CHECK(*cka(b, a, o) == Approx(value).epsilon(1e-12));
    CHECK(*cka(turned(a, 0.7, 30), b, o) == Approx(value).epsilon(1e-9));
    CHECK(*cka(picked(a, 40, order), picked(b, 40, order), o) == Approx(value).epsilon(1e-9));
    const Tensor moved = matrix(
        40, 5, [&](double i, double j) { return a.at(static_cast<std::int64_t>((i - 1) * 5 + j - 1)) + 100 * j; });
    CHECK(*cka(moved, b, o) == Approx(value).epsilon(1e-9));
  }
}

TEST_CASE("cka: on independent codes the biased estimator reads d / (N - 1 + d), the debiased one 0") {
  const Tensor a = noise(64, 128, 1), b = noise(64, 128, 2);
  CHECK(std::abs(*cka(a, b, linear_biased) - 128.0 / 191) < 0.02);
  CHECK(std::abs(*cka(a, b)) < 0.05);
}

TEST_CASE("cka: 64 independent samples of width 512 read 0.89 biased and 0 debiased, the mean of 200 draws") {
  double biased = 0, debiased = 0;
  for (std::uint64_t draw = 0; draw < 200; ++draw) {
    const Tensor a = noise(64, 512, 2 * draw), b = noise(64, 512, 2 * draw + 1);
    biased += *cka(a, b, linear_biased) / 200;
    debiased += *cka(a, b) / 200;
  }
  CHECK(std::abs(biased - 512.0 / 575) < 0.002);
  CHECK(std::abs(debiased) < 0.01);
}

TEST_CASE("cka: rows or columns, whichever is cheaper, and rows of fewer columns with the same inner products") {
  const Tensor a = noise(9, 40, 1), b = noise(9, 3, 2), root = inner_product_root(a);
  CHECK(root.shape() == Shape{9, 9});
  CHECK(inner_product_root(b).shape() == b.shape());
  for (const CkaOptions& o : {CkaOptions{}, linear_biased}) {
    CHECK(*cka(root, b, o) == Approx(*cka(a, b, o)).epsilon(1e-11));
    CHECK(*cka(b, root, o) == Approx(*cka(a, b, o)).epsilon(1e-11));
  }
}

TEST_CASE("cca: invertible maps change nothing, a ridge shrinks, independent codes read max(p, q) / (N - 1)") {
  const Tensor a = noise(60, 4, 1), b = noise(60, 3, 2);
  const Cca plain = *cca(a, b);
  CHECK(plain.rho.size() == 3);
  CHECK(cca(turned(a, 0.7, 30), b)->mean == Approx(plain.mean).epsilon(1e-11));
  CHECK(cca(a, b, {1.0, true})->mean < plain.mean);
  CHECK(cca(a, a)->mean == Approx(1).epsilon(1e-12));
  double chance = 0;
  for (std::uint64_t draw = 0; draw < 40; ++draw)
    chance += cca(noise(60, 4, 100 + draw), noise(60, 3, 200 + draw))->mean_squared / 40;
  CHECK(std::abs(chance - 4.0 / 59) < 0.015);
  CHECK(!cca(Tensor::full({6, 2}, DType::f32, 0.1), noise(6, 2, 1)));
}

TEST_CASE("svcca, pwcca: a small direction is left out, and weighs little") {
  const Tensor a = noise(200, 3, 1);
  const auto with_noise = [&](double size, std::uint64_t seed) {
    const Tensor extra = noise(200, 1, seed);
    return matrix(200, 4, [&](double i, double j) {
      return j < 4 ? a.at(static_cast<std::int64_t>((i - 1) * 3 + j - 1))
                   : size * extra.at(static_cast<std::int64_t>(i - 1));
    });
  };
  const Tensor x = with_noise(0.01, 2), y = with_noise(0.01, 3);
  CHECK(cca(x, y)->mean < 0.85);  // the noise counts as one direction of four
  CHECK(svcca(x, y)->value == Approx(1).epsilon(1e-3));
  CHECK(svcca(x, y)->dims_a == 3);
  CHECK(pwcca(x, y, 1)->dims_b == 4);
  CHECK(pwcca(x, y, 1)->value > 0.97);
}

TEST_CASE("hsic_test: sees what no correlation shows, and p is uniform where nothing is there") {
  const Tensor x = noise(80, 1, 1);
  const Tensor bent =
      matrix(80, 1, [&](double i, double) { return std::pow(x.at(static_cast<std::int64_t>(i - 1)), 2); });
  HsicTestOptions o;
  o.permutations = 200;
  CHECK(hsic_test(x, bent, o)->p_value == Approx(1.0 / 201));
  int small = 0;
  for (std::uint64_t draw = 0; draw < 40; ++draw) {
    const HsicTest t = *hsic_test(noise(30, 2, 10 + draw), noise(30, 2, 100 + draw), o);
    small += t.p_value <= 0.25;
  }
  CHECK(std::abs(small - 10) <= 7);
  o.rbf = false;
  CHECK(hsic_test(x, bent, o)->p_value > 0.01);
}

TEST_CASE("cka: constants are undefined, impossible arguments are refused") {
  const Tensor a = noise(6, 3, 1), constant = Tensor::full({6, 2}, DType::f32, 0.1);
  for (const CkaOptions& o : {CkaOptions{}, linear_biased, rbf_biased, rbf_debiased}) {
    CHECK(!cka(a, constant, o));
    CHECK(!cka(constant, a, o));
  }
  // Equal distances: the U-centred kernel is 0, which rounding must not hide.
  const Tensor simplex = matrix(5, 5, [](double i, double j) { return i == j ? 0.3 : 0; });
  CHECK(!cka(simplex, noise(5, 2, 1)));
  CHECK(!cka(simplex, noise(5, 2, 1), rbf_debiased));
  CHECK_THROWS_WITH_AS(cka(noise(3, 2, 1), noise(3, 2, 2)), "[cka] a (3, 2) must be (N, p) with N at least 4", Error);
  CHECK_THROWS_WITH_AS(cka(a, noise(5, 2, 1)), "[cka] b (5, 2) must be (N, q) with the N of a, got (6, 3)", Error);
  CHECK_THROWS_AS(cka(a, a, {CkaKernel::rbf, CkaEstimator::biased, 0.0}), Error);
}

TEST_CASE("health: golden values") {
  const double spectrum[] = {4, 2, 1, 1};
  const Tensor diagonal =
      matrix(4, 4, [&](double i, double j) { return i == j ? spectrum[static_cast<int>(i) - 1] : 0; });
  CHECK(*effective_rank(diagonal) == Approx(std::pow(2, 1.75)).epsilon(1e-13));
  CHECK(*effective_rank(golden_z1()) == Approx(2.967936793752094).epsilon(1e-12));
  CHECK(*effective_rank(golden_z1(), true) == Approx(2.9316221282823114).epsilon(1e-12));
  CHECK(*participation_ratio(golden_z1()) == Approx(2.5661453027398937).epsilon(1e-12));
  CHECK(*stable_rank(golden_z1()) == Approx(2.1254836540567195).epsilon(1e-12));
}

TEST_CASE("health: rank one is 1, rotations and scale change nothing, wide and tall agree, zero is undefined") {
  const Tensor one = matrix(30, 5, [](double i, double j) { return std::sin(i) * j; });
  CHECK(*effective_rank(one) == Approx(1).epsilon(1e-12));
  CHECK(*participation_ratio(one) == Approx(1).epsilon(1e-12));
  CHECK(*stable_rank(one) == Approx(1).epsilon(1e-12));
  const Tensor z = noise(50, 20, 1), turn = turned(z, 0.4, 1e-3);
  CHECK(*effective_rank(turn) == Approx(*effective_rank(z)).epsilon(1e-11));
  CHECK(*participation_ratio(turn) == Approx(*participation_ratio(z)).epsilon(1e-11));
  CHECK(*stable_rank(turn) == Approx(*stable_rank(z)).epsilon(1e-11));
  const Tensor wide =
      matrix(20, 50, [&](double i, double j) { return z.at(static_cast<std::int64_t>((j - 1) * 20 + i - 1)); });
  CHECK(*effective_rank(wide) == Approx(*effective_rank(z)).epsilon(1e-11));
  CHECK(*stable_rank(wide) == Approx(*stable_rank(z)).epsilon(1e-11));
  const Tensor zero = Tensor::zeros({4, 3}, DType::f32), constant = Tensor::full({4, 3}, DType::f32, 0.1);
  CHECK(!effective_rank(zero));
  CHECK(!stable_rank(zero));
  CHECK(!participation_ratio(constant));
  CHECK(!effective_rank(constant, true));
  CHECK(*effective_rank(constant) == Approx(1).epsilon(1e-12));
}

TEST_CASE("leakage: above chance only, as a fraction of what is left to read") {
  CHECK(*chance_corrected(1, 0.25) == 1);
  CHECK(*chance_corrected(0.25, 0.25) == 0);
  CHECK(*chance_corrected(0.1, 0.25) == 0);
  CHECK(*chance_corrected(0.625, 0.25) == 0.5);
  CHECK(!chance_corrected(1, 1));
  CHECK_THROWS_WITH_AS(chance_corrected(61, 0.5),
                       "[chance_corrected] accuracy and chance must be in [0, 1], got 61.000000 and 0.500000", Error);
  CHECK_THROWS_AS(chance_corrected(NAN, 0.5), Error);
}

TEST_CASE("leakage: golden attention") {
  const double e = std::exp(1), sum = 2 + e + e * e;  // softmax of (1, 0, 2, 0)
  const Tensor attention = Tensor::from(
      {2, 4}, std::vector<double>{e / sum, 1 / sum, e * e / sum, 1 / sum, 0.25, 0.25, 0.25, 0.25}, DType::f64);
  const AttentionLeakage leak = attention_leakage(attention, std::vector<std::int64_t>{2, 3});
  CHECK(leak.value == Approx(0.5964451124285792).epsilon(1e-13));
  CHECK(leak.normalised == Approx(1.1928902248571585).epsilon(1e-13));
  CHECK(leak.chance == 0.5);
  CHECK(leak.per_query[0] == Approx(0.6928902248571586).epsilon(1e-13));
  CHECK(leak.per_query[1] == 0.5);
  const AttentionLeakage none = attention_leakage(attention, {});
  CHECK(none.value == 0);
  CHECK(none.normalised == 0);
}

TEST_CASE("leakage: per head, and padding counts for nothing") {
  // 2 samples, 2 heads, 1 query, tokens (own, own, foreign); head 0 spreads evenly, head 1 stays at home.
  const Tensor attention = Tensor::from({2, 2, 1, 3},
                                        std::vector<double>{1. / 3, 1. / 3, 1. / 3, 1, 0, 0,  //
                                                            0.5, 0, 0.5, 0.9, 0.1, 0},
                                        DType::f64);
  const Tensor mask = Tensor::from({2, 3}, std::vector<double>{1, 1, 1, 1, 0, 1}, DType::f32);
  const auto heads = attention_leakage_per_head(attention, std::vector<std::int64_t>{2}, mask);
  REQUIRE(heads.size() == 2);
  CHECK(heads[0].value == Approx((1. / 3 + 0.5) / 2).epsilon(1e-14));
  CHECK(heads[0].normalised == Approx(1).epsilon(1e-14));
  CHECK(heads[1].value == 0);
  CHECK(heads[1].chance == Approx((1. / 3 + 0.9 / 2) / 1.9).epsilon(1e-14));
  CHECK_THROWS_WITH_AS(attention_leakage_per_head(attention, {}, Tensor::zeros({2, 2}, DType::f32)),
                       "[attention_leakage] mask (2, 2) must be (B, tokens) of attention, got (2, 2, 1, 3)", Error);
  CHECK_THROWS_WITH_AS(attention_leakage(noise(2, 3, 1), {}),
                       "[attention_leakage] attention (2, 3) must be at least 0 everywhere", Error);
  const Tensor flat = Tensor::full({2, 3}, DType::f64, 1. / 3);
  CHECK_THROWS_WITH_AS(
      attention_leakage(flat, std::vector<std::int64_t>{3}),
      "[attention_leakage] attention (2, 3) must be (queries, tokens) with every foreign column, got column 3", Error);
  CHECK_THROWS_AS(attention_leakage(flat, std::vector<std::int64_t>{1, 1}), Error);
}

TEST_CASE("principal components: the directions of a known cloud, whatever its place") {
  // Rows c + s (3, 4) / 5 + t (-4, 3) / 5 with s of variance 4, t of variance 1.
  std::vector<double> rows;
  for (const double s : {-2.0, 2.0})
    for (const double t : {-1.0, 1.0}) {
      rows.push_back(10 + (3 * s - 4 * t) / 5);
      rows.push_back(-7 + (4 * s + 3 * t) / 5);
    }
  const auto pc = metrics::principal_components(Tensor::from({4, 2}, std::span<const double>(rows), DType::f64), 3);
  REQUIRE(pc.explained.size() == 3);
  CHECK(pc.explained[0] == doctest::Approx(0.8));
  CHECK(pc.explained[1] == doctest::Approx(0.2));
  CHECK(pc.explained[2] == 0);
  CHECK(pc.scores.shape() == Shape{4, 3});
  CHECK(pc.scores.at(0) == doctest::Approx(-2));
  CHECK(std::abs(pc.scores.at(1)) == doctest::Approx(1));
  CHECK(pc.scores.at(2) == 0);
  const auto flat = metrics::principal_components(Tensor::zeros({3, 2}, DType::f32), 2);
  CHECK(flat.explained == std::vector<double>{0, 0});
  CHECK(flat.scores.at(5) == 0);
}
