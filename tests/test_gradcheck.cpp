// The gradient checker is itself checked: it must refuse every way a backward can be wrong.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "core/gradcheck.h"

using namespace triptych;

namespace {

// y = x^2 with a pullback of the test's choice, given dy and the right gradient.
template <class Pullback>
GradcheckResult check(Pullback pullback, GradcheckOptions options = {}, Shape shape = {2, 3}) {
  const Recorded square = [&](Tape& tape, std::span<const Var> in) -> Outputs {
    const Tensor x = in[0].value();
    Tensor y(x.shape(), x.dtype());
    tape.kernels().unary(Unary::square, x.view(), y.view(), y.size());
    return {record("square", y, {in[0]}, [x, pullback, &tape](const Tensor& dy) -> Grads {
      Tensor dx(x.shape(), x.dtype());
      tape.kernels().unary_backward(Unary::square, x.view(), x.view(), dy.view(), dx.view(), dx.size());
      return {pullback(dy, dx)};
    })};
  };
  const Tensor x = make({Draw::Law::normal, shape, 0, 1, {}}, {"x", ""}, DType::f64, 3);
  return gradcheck(square, {&x, 1}, {true}, {"x"}, reference_kernels(), options);
}

Tensor times(double factor, const Tensor& t) {
  Tensor y = t.clone();
  for (std::int64_t i = 0; i < t.size(); ++i) y.set(i, factor * t.at(i));
  return y;
}

}  // namespace

TEST_CASE("gradcheck: a right gradient passes, entry by entry and along directions") {
  const auto right = [](const Tensor&, const Tensor& dx) { return dx; };
  const GradcheckResult small = check(right), kinked = check(right, {.kinks = true}),
                        large = check(right, {}, {30, 30});
  CHECK(small.pass);
  CHECK(small.checks == 6 * 3);
  CHECK(small.max_rel_error < 1e-11);
  CHECK(kinked.pass);
  CHECK(large.pass);
  CHECK(large.checks == 3 * 3);
}

TEST_CASE("gradcheck: a wrong sign, a factor and one wrong entry are caught") {
  const std::string reason = "x: gradient and finite difference disagree";
  CHECK(check([](const Tensor&, const Tensor& dx) { return times(-1, dx); }).reason == reason);
  CHECK(check([](const Tensor&, const Tensor& dx) { return times(1 + 1e-6, dx); }).reason == reason);
  CHECK(check([](const Tensor&, const Tensor& dx) { return times(-1, dx); }, {}, {30, 30}).reason == reason);
  CHECK(check([](const Tensor&, const Tensor& dx) {
          Tensor wrong = dx.clone();
          wrong.set(5, 0);
          return wrong;
        }).reason == reason);
}

TEST_CASE("gradcheck: a pullback that ignores its upstream is caught") {
  // Right for an upstream of ones, which is why the upstream is random.
  CHECK_FALSE(check([](const Tensor& dy, const Tensor& dx) {
                Tensor g = dx.clone();
                for (std::int64_t i = 0; i < g.size(); ++i) g.set(i, dx.at(i) / dy.at(i));
                return g;
              }).pass);
}

TEST_CASE("gradcheck: a missing, an all-zero and a NaN gradient are caught") {
  CHECK_FALSE(check([](const Tensor&, const Tensor&) { return Tensor{}; }).pass);
  CHECK_FALSE(check([](const Tensor&, const Tensor& dx) { return times(0, dx); }).pass);
  CHECK(check([](const Tensor&, const Tensor& dx) {
          return times(std::numeric_limits<double>::quiet_NaN(), dx);
        }).reason == "x: a gradient is not finite");
}

TEST_CASE("gradcheck: a function that does not depend on its input proves nothing") {
  const Recorded constant = [](Tape& tape, std::span<const Var> in) -> Outputs {
    return {record("constant", Tensor::zeros({2}, DType::f64), {in[0]},
                   [&tape](const Tensor&) -> Grads { return {Tensor::zeros({3}, DType::f64)}; })};
  };
  const Tensor x = Tensor::full({3}, DType::f64, 1);
  const GradcheckResult r = gradcheck(constant, {&x, 1}, {true}, {"x"}, reference_kernels());
  CHECK_FALSE(r.pass);
  CHECK(r.reason == "x: every gradient is zero, so nothing was checked");
}

TEST_CASE("gradcheck: a gradient that changes from walk to walk is caught") {
  int walk = 0;
  const GradcheckResult r = check([&walk](const Tensor&, const Tensor& dx) { return times(1 + 1e-14 * ++walk, dx); });
  CHECK(r.reason == "two walks of one tape gave different bits");
}

TEST_CASE("gradcheck: a gradient that does not vanish with its upstream is caught") {
  const GradcheckResult r = check([](const Tensor&, const Tensor& dx) {
    Tensor g = dx.clone();
    for (std::int64_t i = 0; i < g.size(); ++i) g.set(i, g.at(i) + 1e-12);
    return g;
  });
  CHECK(r.reason == "a zero upstream gave a gradient that is not zero");
}
