#include <doctest/doctest.h>

#include <cmath>

#include "backends/backend.h"
#include "core/error.h"
#include "metrics/interval.h"
#include "metrics/logistic_probe.h"
#include "metrics/mlp_probe.h"
#include "metrics/retrieval.h"
#include "metrics/ridge_probe.h"
#include "tests/metrics_helpers.h"

using namespace triptych;
using namespace triptych::metrics;
using doctest::Approx;

namespace {

struct Labelled {
  Tensor x;
  std::vector<std::int32_t> y;
};

// Rows first, ..., first + n - 1 of a data set that scikit-learn was run on.
Labelled labelled(std::int64_t n, std::int64_t first, int classes) {
  Labelled l{Tensor({n, 4}, DType::f64), {}};
  for (std::int64_t r = 0; r < n; ++r) {
    const std::int64_t i = first + r;
    l.y.push_back(static_cast<std::int32_t>((i * i + i / 3) % classes));
    for (int j = 1; j <= 4; ++j) {
      const double a = static_cast<double>(i), b = j;
      l.x.set(r * 4 + j - 1, std::sin(1.7 * a + 2.3 * b + 0.37 * a * b) + (j - 1 == l.y.back() ? 0.8 : 0));
    }
  }
  return l;
}

}  // namespace

TEST_CASE("recall_at: identical codes, scaled codes, a shift by one, chance") {
  const Tensor x = noise(20, 8, 1);
  const Recall same = recall_at(x, turned(x, 0, 3.5));
  CHECK(same.value == std::vector<double>{1, 1, 1});
  CHECK(same.chance == std::vector<double>{0.05, 0.25, 0.5});
  CHECK(same.n == 20);
  CHECK(same.tied == 0);
  const Recall shifted = recall_at(x, picked(x, 20, [](std::int64_t i) { return (i + 1) % 20; }), {1, 100});
  CHECK(shifted.value == std::vector<double>{0, 1});  // each query's best row is another's; k beyond N takes all
  CHECK(shifted.chance == std::vector<double>{0.05, 1});
}

TEST_CASE("recall_at: ranks count the rows that score strictly higher") {
  // Scores of query 0: own 0.6, others 1 and 0, so rank 1. Query 1: own 1. Query 2: own -1, all others higher.
  const Tensor q = Tensor::from({3, 2}, std::vector<double>{1, 0, 2, 0, 0, 1}, DType::f32);
  const Tensor g = Tensor::from({3, 2}, std::vector<double>{3, 4, 5, 0, 0, -1}, DType::f32);
  const Recall r = recall_at(q, g, {1, 2, 3});
  CHECK(r.value == std::vector<double>{1.0 / 3, 2.0 / 3, 1});
  CHECK(r.tied == 0);
}

TEST_CASE("recall_at: the same order of both sides changes nothing, nor does the number of threads") {
  const Tensor q = noise(600, 5, 2), g = noise(600, 5, 3);
  const auto order = [](std::int64_t i) { return (i * 7) % 600; };
  const int before = threads();
  set_threads(1);
  const Recall one = recall_at(q, g);
  set_threads(3);
  const Recall three = recall_at(q, g);
  set_threads(before);
  CHECK(one.value == three.value);
  CHECK(one.value == recall_at(picked(q, 600, order), picked(g, 600, order)).value);
  CHECK(one.value[2] < 0.1);  // unrelated codes stay near chance
}

TEST_CASE("recall_at: collapsed codes are reported as tied") {
  const Tensor one = matrix(30, 3, [](double, double j) { return 0.1 * j; });
  CHECK(recall_at(one, one).tied == 1);
  CHECK(recall_at(Tensor::zeros({30, 3}, DType::f32), one).tied == 1);
}

TEST_CASE("recall_at: what it refuses") {
  const Tensor a = Tensor::zeros({2, 4}, DType::f32), b = Tensor::zeros({3, 4}, DType::f32);
  CHECK_THROWS_WITH_AS(recall_at(a, b), "[recall_at] gallery (3, 4) must be (N, d) as queries, got (2, 4)", Error);
  CHECK_THROWS_WITH_AS(recall_at(a, a, {0}), "[recall_at] k must be at least 1, got 0", Error);
  CHECK_THROWS_WITH_AS(recall_at({}, a), "[recall_at] queries (absent) must be a float32 or float64 array", Error);
  CHECK_THROWS_WITH_AS(recall_at(a.reshaped({8}), a), "[recall_at] queries (8) must be (N, d)", Error);
  CHECK_THROWS_WITH_AS(recall_at(Tensor::zeros({0, 4}, DType::f32), a), "[recall_at] queries (0, 4) must be non-empty",
                       Error);
  const Tensor bad = Tensor::full({2, 4}, DType::f32, NAN);
  CHECK_THROWS_WITH_AS(recall_at(a, bad), "[recall_at] gallery (2, 4) must be finite, got nan at element 0", Error);
}

TEST_CASE("logistic_probe: scikit-learn's accuracy and cross-entropy, three classes and two") {
  // StandardScaler, LogisticRegression(C=0.1, tol=1e-12, max_iter=10000), scikit-learn 1.9.1
  Labelled train = labelled(60, 1, 3), test = labelled(40, 61, 3);
  const ProbeScore three = logistic_probe(train.x, train.y, test.x, test.y);
  CHECK(three.accuracy == 0.75);
  CHECK(three.cross_entropy == Approx(0.7909444739833237).epsilon(1e-7));
  CHECK(three.chance == 1.0 / 3);
  CHECK(three.majority == 15.0 / 40);
  CHECK(three.n == 40);
  CHECK(three.classes == 3);
  train = labelled(60, 1, 2), test = labelled(40, 61, 2);
  const ProbeScore two = logistic_probe(train.x, train.y, test.x, test.y);
  CHECK(two.accuracy == 0.55);
  CHECK(two.cross_entropy == Approx(0.618196263197874).epsilon(1e-7));
  CHECK(two.majority == 26.0 / 40);
}

TEST_CASE("logistic_probe: units, constant columns, label names, row order and threads change nothing") {
  const Labelled train = labelled(60, 1, 3), test = labelled(40, 61, 3);
  const ProbeScore plain = logistic_probe(train.x, train.y, test.x, test.y);
  const auto rescaled = [](const Tensor& x) {
    return matrix(x.shape()[0], 5, [&](double i, double j) {
      return j == 5 ? 0.1 : x.at(static_cast<std::int64_t>((i - 1) * 4 + j - 1)) * 1e3 * j + 7;
    });
  };
  const auto renamed = [](std::vector<std::int32_t> y) {
    for (auto& each : y) each = 40 - 13 * each;
    return y;
  };
  const ProbeScore other = logistic_probe(rescaled(train.x), renamed(train.y), rescaled(test.x), renamed(test.y));
  CHECK(other.accuracy == plain.accuracy);
  CHECK(other.cross_entropy == Approx(plain.cross_entropy).epsilon(1e-7));

  const Tensor x = noise(2000, 20, 5);  // several tiles
  std::vector<std::int32_t> y(2000);
  for (std::size_t i = 0; i < y.size(); ++i)
    y[i] = x.at(static_cast<std::int64_t>(i) * 20) > 0.3 ? 2 : static_cast<int>(i % 2);
  const int before = threads();
  set_threads(1);
  const ProbeScore one = logistic_probe(x, y, x, y);
  set_threads(3);
  const ProbeScore three = logistic_probe(x, y, x, y);
  set_threads(before);
  CHECK(one.cross_entropy == three.cross_entropy);
  CHECK(one.iterations == three.iterations);
  CHECK(one.iterations < 100);
}

TEST_CASE("logistic_probe: noise reads near chance, a label that train lacks is wrong") {
  std::vector<std::int32_t> y(900);
  for (std::size_t i = 0; i < y.size(); ++i) y[i] = static_cast<std::int32_t>(i % 3);
  const ProbeScore blind = logistic_probe(noise(900, 6, 7), y, noise(900, 6, 8), y);
  CHECK(std::abs(blind.accuracy - blind.chance) < 0.06);
  CHECK(blind.majority == blind.chance);
  const std::vector<std::int32_t> unseen(900, 9);
  const ProbeScore wrong = logistic_probe(noise(900, 6, 7), y, noise(900, 6, 8), unseen);
  CHECK(wrong.accuracy == 0);
  CHECK(std::isinf(wrong.cross_entropy));
}

TEST_CASE("logistic_probe: what it refuses") {
  const Tensor x = noise(4, 2, 1);
  const std::vector<std::int32_t> y{0, 1, 0, 1}, one(4, 3), few{0, 1};
  CHECK_THROWS_WITH_AS(logistic_probe(x, few, x, y),
                       "[logistic_probe] train_codes (4, 2) must be (N, d) with one label a row, got 2 labels", Error);
  CHECK_THROWS_WITH_AS(logistic_probe(x, y, noise(4, 3, 1), y),
                       "[logistic_probe] test_codes (4, 3) must be (n, d) with d of train_codes, got (4, 2)", Error);
  CHECK_THROWS_WITH_AS(logistic_probe(x, one, x, y),
                       "[logistic_probe] train_labels must hold at least 2 classes, got 1", Error);
  CHECK_THROWS_AS(logistic_probe(x, y, x, y, 0), Error);
}

TEST_CASE("linear_probe_r2: golden values, ridge and held-out rows") {
  CHECK(*linear_probe_r2(golden_z1(), golden_z2()) == Approx(0.9696886238163525).epsilon(1e-12));
  CHECK(*linear_probe_r2(golden_z1(), golden_z2(), {1}) == Approx(0.9347476852263062).epsilon(1e-12));
  CHECK(*linear_probe_r2(golden_z1(), golden_z2(), {1, false}) == Approx(0.8671267384520944).epsilon(1e-12));
  const Tensor x = noise(200, 3, 1), held = noise(50, 3, 2);
  const auto map = [](const Tensor& v) {
    return matrix(v.shape()[0], 2, [&](double i, double j) {
      const double* row = v.data<double>() + static_cast<std::int64_t>(i - 1) * 3;
      return 4 + j * row[0] - 2 * row[2];
    });
  };
  CHECK(*linear_probe_r2(x, map(x), held, map(held)) == Approx(1).epsilon(1e-12));
  CHECK(*linear_probe_r2(x, map(x), {1e12}) == Approx(0).epsilon(1e-8));       // all that is left is the mean
  CHECK(*linear_probe_r2(x, noise(200, 2, 3), held, noise(50, 2, 4)) < 0.05);  // unrelated
}

TEST_CASE("linear_probe_r2: the units of x do not matter, with any ridge") {
  const Tensor x = noise(60, 4, 1), y = noise(60, 2, 2), held = noise(20, 4, 3), held_y = noise(20, 2, 4);
  for (const double ridge : {0.0, 0.1, 6.0})
    for (const double scale : {0.01, 1e3})
      CHECK(*linear_probe_r2(turned(x, 0, scale), y, turned(held, 0, scale), held_y, {ridge}) ==
            Approx(*linear_probe_r2(x, y, held, held_y, {ridge})).epsilon(1e-10));
}

TEST_CASE("linear_probe_r2: a repeated column changes nothing, a constant target has no R^2") {
  const Tensor z1 = golden_z1();
  const Tensor twice = matrix(
      6, 4, [&](double i, double j) { return z1.at(static_cast<std::int64_t>((i - 1) * 3 + std::fmod(j - 1, 3))); });
  CHECK(*linear_probe_r2(twice, golden_z2()) == Approx(0.9696886238163525).epsilon(1e-12));
  CHECK(!linear_probe_r2(z1, Tensor::full({6, 2}, DType::f32, 0.1)));
  CHECK_THROWS_WITH_AS(linear_probe_r2(z1, noise(5, 2, 1)),
                       "[linear_probe_r2] y (5, 2) must be (N, q) with the N of x, got (6, 3)", Error);
  CHECK_THROWS_AS(linear_probe_r2(z1, z1, {-1}), Error);
  CHECK_THROWS_AS(linear_probe_r2(z1, z1, noise(6, 2, 1), z1), Error);
}

TEST_CASE("mlp_probe: reads what is bent, near chance on noise, the same bits for any number of threads") {
  const Tensor x = noise(1200, 2, 1), held = noise(400, 2, 2);
  const auto sign_of_product = [](const Tensor& v) {
    std::vector<std::int32_t> y;
    for (std::int64_t i = 0; i < v.shape()[0]; ++i) y.push_back(v.at(2 * i) * v.at(2 * i + 1) > 0);
    return y;
  };
  const auto y = sign_of_product(x), held_y = sign_of_product(held);
  CHECK(logistic_probe(x, y, held, held_y).accuracy < 0.62);
  const int before = threads();
  set_threads(1);
  const ProbeScore one = mlp_probe(x, y, held, held_y);
  set_threads(3);
  const ProbeScore three = mlp_probe(x, y, held, held_y);
  set_threads(before);
  CHECK(one.accuracy > 0.93);
  CHECK(one.cross_entropy == three.cross_entropy);
  CHECK(mlp_probe(noise(1200, 2, 7), y, noise(400, 2, 8), held_y).accuracy < 0.6);
  const auto square = [](const Tensor& v) {
    return matrix(v.shape()[0], 1,
                  [&](double i, double) { return 5 + std::pow(v.at(static_cast<std::int64_t>(2 * i - 2)), 2); });
  };
  CHECK(*linear_probe_r2(x, square(x), held, square(held)) < 0.1);
  CHECK(*mlp_probe_r2(x, square(x), held, square(held)) > 0.9);
}

TEST_CASE("intervals: Wilson's for single rows, wider for rows that belong together, bootstrap for R^2") {
  std::vector<std::uint8_t> right(100);
  std::vector<std::int32_t> own(100), five(100);
  for (std::size_t i = 0; i < 100; ++i)
    right[i] = i < 80, own[i] = static_cast<int>(i), five[i] = static_cast<int>(i / 5);
  const Interval single = accuracy_interval(right, own);
  CHECK(single.low == Approx(0.7112).epsilon(1e-4));  // Wilson 80 of 100
  CHECK(single.high == Approx(0.8666).epsilon(1e-4));
  const Interval grouped = accuracy_interval(right, five);  // the five rows of an item are right or wrong together
  CHECK(grouped.high - grouped.low > 2 * (single.high - single.low));
  const Interval all = accuracy_interval(std::vector<std::uint8_t>(100, 1), five);
  CHECK(all.high == 1);
  CHECK(all.low == Approx(1 / (1 + 1.96 * 1.96 / 20)).epsilon(1e-3));  // 20 items

  const Tensor y = noise(300, 2, 1), e = noise(300, 2, 2);
  const Tensor f = matrix(300, 2, [&](double i, double j) {
    const auto at = static_cast<std::int64_t>((i - 1) * 2 + j - 1);
    return y.at(at) + 0.5 * e.at(at);
  });
  std::vector<std::int32_t> rows(300);
  for (std::size_t i = 0; i < 300; ++i) rows[i] = static_cast<int>(i);
  const Interval r2 = *r2_interval(f, y, rows);
  CHECK(r2.low < *r2_score(f, y));
  CHECK(r2.high > *r2_score(f, y));
  CHECK(r2.high - r2.low < 0.1);
  CHECK(!r2_interval(f, Tensor::full({300, 2}, DType::f64, 1), rows));
}
