// Statistics of how pictures are drawn: shares by hand, and what wearing a picture may change.
#include "app/drawing_statistics.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

using namespace triptych;

TEST_CASE("drawing statistics: shares of colours and of differences, at both sizes") {
  Tensor p = Tensor::zeros({1, 4, 4, 3}, DType::f32);  // blank, but one pixel of full red
  p.set(0, 1);
  const Tensor s = app::drawing_statistics(p);
  REQUIRE(s.shape() == Shape({1, 2 * (512 + 7)}));
  const auto share = [&](std::int64_t k) { return s.at(k) * s.at(k); };
  CHECK(share(0) == doctest::Approx(15.0 / 16));
  CHECK(share(7 * 64) == doctest::Approx(1.0 / 16));
  CHECK(share(512) == doctest::Approx(70.0 / 72));     // of 3 x 24 pairs of neighbours two differ
  CHECK(share(512 + 6) == doctest::Approx(2.0 / 72));  // by more than 0.25
  CHECK(share(519) == doctest::Approx(3.0 / 4));       // half size: red is 1/4, the third of eight levels
  CHECK(share(519 + 2 * 64) == doctest::Approx(1.0 / 4));
  CHECK(share(519 + 512 + 5) == doctest::Approx(2.0 / 12));  // 1/4 is not above the last bound
}

TEST_CASE("drawing statistics: worn pictures stay near, within range, and differ from copy to copy") {
  const Tensor p = Tensor::full({64, 8, 8, 3}, DType::f32, 0.5);
  Rng rng(3), again(3);
  const Tensor a = app::worn(p, rng), b = app::worn(p, rng), same = app::worn(p, again);
  double squares = 0, between = 0;
  for (std::int64_t i = 0; i < p.size(); ++i) {
    squares += std::pow(a.at(i) - 0.5, 2) / static_cast<double>(p.size());
    between += std::abs(a.at(i) - b.at(i));
    REQUIRE(a.at(i) == same.at(i));
  }
  CHECK(std::sqrt(squares) / (0.06 / std::sqrt(3.0)) > 0.85);  // deviations of 0 ... 0.06
  CHECK(std::sqrt(squares) / (0.06 / std::sqrt(3.0)) < 1.15);
  CHECK(between > 0);
  const Tensor ink = app::worn(Tensor::full({16, 8, 8, 3}, DType::f32, 1), rng);
  for (std::int64_t i = 0; i < ink.size(); ++i) REQUIRE(ink.at(i) <= 1);
}
