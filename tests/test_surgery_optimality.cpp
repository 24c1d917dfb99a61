// The solvers against the conditions that make an answer the right one, and against plain enumeration.
#include <doctest/doctest.h>

#include <Eigen/Eigenvalues>
#include <Eigen/LU>

#include "optim/surgery/aligned_mtl.h"
#include "optim/surgery/cagrad.h"
#include "optim/surgery/dual_cone.h"
#include "optim/surgery/imtl_g.h"
#include "optim/surgery/mgda.h"
#include "optim/surgery/nash_mtl.h"
#include "optim/surgery/quadratic.h"
#include "tests/surgery_helpers.h"

using namespace triptych;
using namespace triptych::surgery_test;

namespace {

// argmin over v >= least of v^T G v, over all sets of entries that are free (G regular).
Vector enumerated(const Matrix& g, const Vector& least) {
  const Eigen::Index m = g.rows();
  Vector best = least;
  double value = INFINITY;
  for (int free = 0; free < 1 << m; ++free) {
    std::vector<Eigen::Index> f, a;
    for (Eigen::Index i = 0; i < m; ++i) (free >> i & 1 ? f : a).push_back(i);
    Vector v = least;
    if (!f.empty()) v(f) = -Matrix(g(f, f)).fullPivLu().solve(Matrix(g(f, a)) * Vector(least(a)));
    if ((v - least).minCoeff() >= -1e-12 && v.dot(g * v) < value) value = v.dot(g * v), best = v;
  }
  return best;
}

Matrix conflicting(Eigen::Index m, Eigen::Index n, std::uint64_t seed) {
  Matrix j = random_matrix(m, n, seed);
  if (m > 1) j.row(m - 1) = -j.row(0) + 0.3 * j.row(m - 1);
  return random_scales(m, 1, seed).asDiagonal() * j;
}

template <class F>
void over_conflicting(F&& f) {
  for (Eigen::Index m : {1, 2, 3, 4, 6, 8, 40})
    for (std::uint64_t seed = 0; seed < 25; ++seed) {
      CAPTURE(m);
      CAPTURE(seed);
      f(conflicting(m, m + 4, seed));
    }
}

}  // namespace

TEST_CASE("mgda: every task gains at least |g|^2, exactly so where it weighs something") {
  over_jacobians([](const Named& each) {
    CAPTURE(each.name);
    CAPTURE(each.j.rows());
    const Vector w = surgery::mgda(gramian_of(each.j)), step = each.j.transpose() * w;
    CHECK(w.minCoeff() >= 0);
    CHECK(w.sum() == doctest::Approx(1).epsilon(1e-14));
    const double size = w.cwiseProduct(each.j.rowwise().norm()).maxCoeff();
    for (Eigen::Index i = 0; i < w.size(); ++i) {
      const double excess = each.j.row(i).dot(step) - step.squaredNorm(),
                   rounding = 1e-10 * size * each.j.row(i).norm();
      CHECK(excess >= -rounding - 1e-10 * size * size);
      CHECK(w(i) * excess <= 1e-10 * size * size);
    }
  });
}

TEST_CASE("upgrad, dualproj: the projections are those found by enumeration") {
  over_conflicting([](const Matrix& j) {
    const Eigen::Index m = j.rows();
    if (m > 8) return;
    const Matrix g = j * j.transpose();
    Vector sum = Vector::Zero(m);
    for (Eigen::Index i = 0; i < m; ++i) sum += enumerated(g, Vector::Unit(m, i)) / static_cast<double>(m);
    const Vector mean = enumerated(g, Vector::Constant(m, 1 / static_cast<double>(m)));
    CHECK((surgery::upgrad(gramian_of(j)) - sum).norm() < 1e-9 * sum.norm());
    CHECK((surgery::dualproj(gramian_of(j)) - mean).norm() < 1e-9 * mean.norm());
  });
}

TEST_CASE("dualproj: in the cone, and off the mean only along constraints that bind") {
  over_jacobians([](const Named& each) {
    CAPTURE(each.name);
    CAPTURE(each.j.rows());
    const double m = static_cast<double>(each.j.rows());
    const Vector w = surgery::dualproj(gramian_of(each.j)), step = each.j.transpose() * w,
                 norms = each.j.rowwise().norm();
    const double size = w.cwiseProduct(norms).maxCoeff();
    for (Eigen::Index i = 0; i < w.size(); ++i) {
      CHECK(w(i) >= 1 / m);
      CHECK(each.j.row(i).dot(step) >= -1e-10 * size * norms(i));
      CHECK((w(i) - 1 / m) * each.j.row(i).dot(step) <= 1e-10 * size * size);
    }
  });
}

TEST_CASE("nash_mtl: w_i g.g_i = 1 for every task, |g|^2 = m") {
  const auto check = [](const Matrix& j, double tolerance) {
    const Vector w = surgery::nash_mtl(gramian_of(j)), step = j.transpose() * w;
    CHECK(w.minCoeff() > 0);
    CHECK((w.cwiseProduct(j * step).array() - 1).abs().maxCoeff() < tolerance);
  };
  over_conflicting([&](const Matrix& j) { check(j, 1e-10); });
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    const Matrix j = random_matrix(4, 6, seed);
    check(random_scales(4, 12, seed).asDiagonal() * j, 1e-9);
  }
  for (double close : {1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6}) {  // two gradients, ever closer to opposite
    Matrix j(2, 2);
    j << 1, 0, -1, close;
    const Vector w = surgery::nash_mtl(gramian_of(j));
    const double cosine = -1 / std::hypot(1, close);
    CHECK(w(0) == doctest::Approx(1 / std::sqrt(1 + cosine)).epsilon(1e-3 * close + 1e-16 / (1 + cosine)));
  }
}

TEST_CASE("cagrad: its dual weights are the least on the simplex, and the step is on the edge of the ball") {
  const auto check = [](const Matrix& j, double c, double tolerance) {
    CAPTURE(c);
    const double m = static_cast<double>(j.rows());
    const Vector w = surgery::cagrad(gramian_of(j), c), v = w.array() - 1 / m;
    const Vector mean = j.colwise().mean(), off = j.transpose() * v;
    CHECK(v.minCoeff() >= -1e-15 * w.maxCoeff());
    CHECK(off.norm() == doctest::Approx(c * mean.norm()).epsilon(tolerance));
    // slopes of g_w.g_0 + c |g_0| |g_w| at w = v / sum v: equal where w > 0, larger elsewhere
    const Vector slopes = j * (mean + off);
    const double least = slopes.minCoeff(), scale = j.rowwise().norm().maxCoeff() * (mean.norm() + off.norm());
    for (Eigen::Index i = 0; i < v.size(); ++i)
      if (v(i) > 1e-9 * v.maxCoeff()) CHECK(slopes(i) - least < tolerance * scale);
  };
  over_conflicting([&](const Matrix& j) {
    for (double c : {0.01, 0.1, 0.4, 0.5, 0.9, 1.0, 3.0}) check(j, c, 1e-9);
  });
  over_jacobians([&](const Named& each) {
    CAPTURE(each.name);
    CAPTURE(each.j.rows());
    if (each.stationary) return;
    check(each.j, 0.4, each.name == "nearly opposite" ? 1e-6 : 1e-9);  // 1 + cosine is 5e-9: half its digits are gone
  });
}

TEST_CASE("imtl_g: the same cosine with every task, positive also where the weights' sum is not") {
  int negative = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const Matrix j = random_scales(3, 3, seed).asDiagonal() * random_matrix(3, 5, seed);
    const Vector w = surgery::imtl_g(gramian_of(j)), step = (j.transpose() * w).normalized();
    const Vector cosines = (j * step).cwiseQuotient(j.rowwise().norm());
    CHECK(cosines.maxCoeff() - cosines.minCoeff() < 1e-9);
    CHECK(cosines.minCoeff() > 0);
    CHECK(std::abs(w.sum()) == doctest::Approx(1));
    negative += w.sum() < 0;
  }
  CHECK(negative > 0);
}

TEST_CASE("aligned_mtl: |g|^2 is the least eigenvalue / m") {
  over_conflicting([](const Matrix& j) {
    const Vector w = surgery::aligned_mtl(gramian_of(j));
    const Matrix g = j * j.transpose();
    const double least = Eigen::SelfAdjointEigenSolver<Matrix>(g).eigenvalues()(0);
    if (least > 1e-5 * g.trace())
      CHECK((j.transpose() * w).squaredNorm() == doctest::Approx(least / static_cast<double>(j.rows())).epsilon(1e-8));
  });
}

TEST_CASE("nonnegative_minimum: says when there is none, exchanges dependent columns") {
  Matrix opposite(2, 2), parallel(2, 2);
  opposite << 1, -1, -1, 1;
  parallel << 1, 1, 1, 1;
  CHECK_FALSE(surgery::nonnegative_minimum(opposite, Vector{{1, 1}}));
  const auto s = surgery::nonnegative_minimum(parallel, Vector{{1, 1.5}});
  REQUIRE(s);
  CHECK(*s == Vector{{0, 1.5}});
  CHECK(*surgery::nonnegative_minimum(parallel, Vector{{-1, 0}}) == Vector::Zero(2));
}
