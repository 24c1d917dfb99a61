// What the papers claim on their toys. Runs that end stuck in a valley oscillate, and end points on the front depend on
// the path: only "stuck" and "on the front" is asserted of them.
#include <doctest/doctest.h>

#include "bench/toys.h"
#include "optim/surgery/cagrad.h"
#include "optim/surgery/nash_mtl.h"
#include "optim/surgery/pcgrad.h"

using namespace triptych;
using namespace triptych::toys;
using surgery::Vector;

TEST_CASE("toys: the gradients are those of the losses") {
  for (const Problem& problem : {valleys(1), valleys(0.1), Problem(curved)})
    for (const Point& x : {Point{-8.5, 7.5}, Point{0.3, 0.8}, Point{2, -1}, Point{0.5, -3}})
      for (std::size_t p = 0; p < 2; ++p) {
        Point low = x, high = x;
        low[p] -= 1e-5, high[p] += 1e-5;
        const Losses l = problem(x);
        for (std::size_t task = 0; task < 2; ++task)
          CHECK(
              (problem(high).value[task] - problem(low).value[task]) / 2e-5 ==
              doctest::Approx(l.jacobian(static_cast<Eigen::Index>(task), static_cast<Eigen::Index>(p))).epsilon(1e-6));
      }
}

TEST_CASE("toys: CAGrad reaches the least mean loss from every start, the mean gets stuck from two") {
  const Method cagrad = [](const Losses& l) -> Vector { return surgery::cagrad(gramian(l), 0.5) / 1.5; };
  const Method mean = [](const Losses&) -> Vector { return Vector::Constant(2, 0.5); };
  const Problem problem = valleys(1);
  for (const Point& start :
       {Point{-8.5, 7.5}, Point{-8.5, -5}, Point{9, 9}, Point{0, 0}, Point{-7.5, -0.5}, Point{9, -1}}) {
    const Point end = descend(problem, cagrad, start, 100000), plain = descend(problem, mean, start, 40000);
    CHECK(end[0] == doctest::Approx(0).epsilon(1e-3));
    CHECK(end[1] == doctest::Approx(-8.3551).epsilon(1e-4));
    for (const double loss : problem(end).value) CHECK(loss == doctest::Approx(-15.0916).epsilon(1e-4));
    CHECK((plain[1] > 0) == (start[1] > 0));
  }
}

TEST_CASE("toys: Nash-MTL reaches the front from every start, balanced, though one loss is ten times smaller") {
  const Method nash = [](const Losses& l) -> Vector {
    const Vector w = surgery::nash_mtl(gramian(l));
    return w / std::max(1.0, (l.jacobian.transpose() * w).norm());
  };
  for (const Point& start : {Point{-8.5, 7.5}, Point{0, 0}, Point{9, 9}, Point{-7.5, -0.5}, Point{9, -1}}) {
    const Point end = descend(valleys(0.1), nash, start, 35000);
    CHECK(end[1] == doctest::Approx(-8.4).epsilon(0.01));
    CHECK(std::abs(end[0]) < 5.5);
  }
}

TEST_CASE("toys: PCGrad comes down the curved valleys, the sum does not") {
  const Method pcgrad = [](const Losses& l) {
    static const std::vector<std::vector<Eigen::Index>> orders{{1}, {0}};
    return surgery::pcgrad(gramian(l), orders);
  };
  const auto sum_of = [](const Method& method, int steps) {
    const Losses l = curved(descend(curved, method, {0.5, -3}, steps));
    return l.value[0] + l.value[1];
  };
  CHECK(sum_of(pcgrad, 500000) < -200);
  CHECK(sum_of([](const Losses&) -> Vector { return Vector::Ones(2); }, 500000) > -160);
}
