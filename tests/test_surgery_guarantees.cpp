// Every method is held to what it declares (Guarantees), on random Jacobians and on degenerate ones: zero rows,
// parallel and opposite gradients, rank deficiency, scales from 1e-12 to 1e12.
#include <doctest/doctest.h>

#include <Eigen/Eigenvalues>
#include <set>

#include "optim/surgery/cagrad.h"
#include "optim/surgery/mgda.h"
#include "tests/surgery_helpers.h"

using namespace triptych;
using namespace triptych::surgery_test;
using surgery::Guarantees;
using surgery::Method;
using surgery::Scaling;

namespace {

// What J^T w is made of: all rounding is relative to it.
double size_of_parts(const Matrix& j, const Vector& w) {
  return w.cwiseProduct(j.rowwise().norm()).cwiseAbs().maxCoeff();
}

Vector step_of(const Method& method, const Matrix& j) { return j.transpose() * weights_of(method, j); }

// The least cosine of the step with any task, in units of what the step is made of.
double worst_agreement(const Matrix& j, const Vector& w) {
  const Vector step = j.transpose() * w;
  double worst = INFINITY;
  for (Eigen::Index i = 0; i < j.rows(); ++i)
    if (j.row(i).norm() > 0) worst = std::min(worst, j.row(i).normalized().dot(step));
  const double size = size_of_parts(j, w);
  return size > 0 ? worst / size : 0;
}

// Every gradient is there, and none is nearly a combination of the others.
bool independent(const Matrix& j) {
  const Gramian g = gramian_of(j);
  return g.norms.minCoeff() > 0 && Eigen::SelfAdjointEigenSolver<Matrix>(g.cosines).eigenvalues()(0) > 1e-4;
}
// Some convex combination of the unit gradients is zero.
bool stationary(const Matrix& j) {
  const Gramian g = gramian_of(j);
  if (g.norms.minCoeff() == 0) return true;
  const Vector w = surgery::mgda({Vector::Ones(j.rows()), g.cosines});
  return w.dot(g.cosines * w) < 1e-10;
}

template <class F>
void over_methods(F&& f) {
  for (const Method* method : gramian_methods()) {
    CAPTURE(method->name);
    over_jacobians([&](const Named& each) {
      CAPTURE(each.name);
      CAPTURE(each.j.rows());
      CAPTURE(each.j.cols());
      f(*method, each);
    });
  }
}

}  // namespace

TEST_CASE("surgery: weights are finite whatever the Jacobian, and all zero gives a zero step") {
  over_methods([](const Method& method, const Named& each) {
    const Vector w = weights_of(method, each.j);
    CHECK(w.size() == each.j.rows());
    CHECK(w.allFinite());
    CHECK((each.j.transpose() * w).allFinite());
    for (double factor : {1e-10, 1e3, 1e5, 1e10, 1e15}) CHECK(weights_of(method, factor * each.j).allFinite());
  });
}

TEST_CASE("surgery: no conflict where it is promised") {
  over_methods([](const Method& method, const Named& each) {
    const auto holds = method.guarantees.no_conflict;
    if (holds == Guarantees::no || (holds == Guarantees::when_independent && !independent(each.j))) return;
    CHECK(worst_agreement(each.j, weights_of(method, each.j)) > -1e-9);
  });
}

TEST_CASE("surgery: no conflict of PCGrad for two tasks, nor of CAGrad with c >= 1") {
  over_jacobians([](const Named& each) {
    CAPTURE(each.name);
    CAPTURE(each.j.rows());
    for (const Method* method : gramian_methods()) {
      if (method->name == "pcgrad" && each.j.rows() == 2)
        CHECK(worst_agreement(each.j, weights_of(*method, each.j)) > -1e-9);
      if (method->name != "cagrad") continue;
      for (double c : {1.0, 2.0, 10.0}) CHECK(worst_agreement(each.j, weights_of(*method, each.j, {{"c", c}})) > -1e-6);
    }
  });
}

TEST_CASE("surgery: where no conflict is not promised, there is one") {
  std::set<std::string_view> conflicts;
  for (const Method* method : gramian_methods())
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
      Matrix j = random_matrix(4, 6, seed);
      j.row(3) = -j.row(0) + 0.5 * j.row(3);
      if (worst_agreement(j, weights_of(*method, j)) < -1e-3) conflicts.insert(method->name);
    }
  for (const Method* method : gramian_methods())
    CHECK_MESSAGE(conflicts.contains(method->name) == (method->guarantees.no_conflict == Guarantees::no), method->name);
}

TEST_CASE("surgery: a zero step proves Pareto stationarity where it is promised") {
  over_methods([](const Method& method, const Named& each) {
    if (!method.guarantees.zero_proves_stationary) return;
    const Vector w = weights_of(method, each.j), step = each.j.transpose() * w;
    CHECK(w.minCoeff() >= 0);
    if (step.norm() <= 1e-10 * size_of_parts(each.j, w)) CHECK(stationary(each.j));
  });
}

TEST_CASE("surgery: the step is zero at Pareto stationary points where it is promised") {
  over_methods([](const Method& method, const Named& each) {
    // A zero gradient is stationary; Nash-MTL leaves such a task out of the bargain.
    if (!method.guarantees.stops_when_stationary || !each.stationary || each.name == "zero row") return;
    const Vector w = weights_of(method, each.j);
    CHECK((each.j.transpose() * w).norm() <= 1e-6 * size_of_parts(each.j, w));
  });
}

TEST_CASE("surgery: rescaled gradients change the step as promised") {
  over_methods([](const Method& method, const Named& each) {
    const Scaling scaling = method.guarantees.scaling;
    if (scaling == Scaling::none) return;
    if (method.guarantees.no_conflict == Guarantees::when_independent && !independent(each.j)) return;
    const Vector a = random_scales(each.j.rows(), 2, 11), b = random_scales(each.j.rows(), 2, 12);
    const Vector first = step_of(method, a.asDiagonal() * each.j);
    if (scaling == Scaling::linear) {
      const Matrix both = Vector(a + b).asDiagonal() * each.j;
      const Vector w = weights_of(method, both), sum = first + step_of(method, b.asDiagonal() * each.j);
      CHECK((both.transpose() * w - sum).norm() <= 1e-8 * size_of_parts(both, w));
    } else {
      const Vector plain = step_of(method, each.j);
      CHECK(plain.norm() * first.norm() - plain.dot(first) <= 1e-9 * plain.norm() * first.norm());
    }
  });
}

TEST_CASE("surgery: tasks may come in any order") {
  over_methods([](const Method& method, const Named& each) {
    if (method.name == "pcgrad" ||
        (method.guarantees.no_conflict == Guarantees::when_independent && !independent(each.j)))
      return;
    const Vector w = weights_of(method, each.j);
    const Matrix reversed = each.j.colwise().reverse();
    const Vector step = each.j.transpose() * w, other = step_of(method, reversed);
    const double size = method.name == "aligned_mtl" ? each.j.norm() : size_of_parts(each.j, w);
    CHECK((step - other).norm() <= 1e-7 * size);
  });
}

TEST_CASE("surgery: one task gets its own gradient, up to length") {
  for (const Method* method : gramian_methods()) {
    const Matrix j = random_matrix(1, 5, 3);
    const Vector step = step_of(*method, j);
    CHECK_MESSAGE(step.dot(j.row(0)) == doctest::Approx(step.norm() * j.norm()).epsilon(1e-14), method->name);
    CHECK(step.norm() > 0);
  }
}

TEST_CASE("cagrad: c = 0 is the mean, a large c points along MGDA's step") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Matrix j = random_matrix(3, 8, seed);
    const Gramian g = gramian_of(j);
    CHECK(surgery::cagrad(g, 0) == Vector::Constant(3, 1.0 / 3));
    const Vector far = j.transpose() * surgery::cagrad(g, 1e6), shortest = j.transpose() * surgery::mgda(g);
    CHECK(far.normalized().dot(shortest.normalized()) > 1 - 1e-9);
  }
}
