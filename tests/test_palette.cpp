// The palette of a picture's generator, the velocity that it gives pixels, and their likelihood.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "core/gradcheck.h"
#include "core/rng.h"
#include "losses/palette_nll.h"
#include "models/generation/noise.h"
#include "models/generation/palette.h"
#include "ops/softmax.h"

using namespace triptych;

namespace {

Tensor normals(Shape shape, std::uint64_t stream) {
  Rng rng(11, stream);
  return normal_noise(shape, DType::f64, rng);
}

constexpr std::int64_t B = 3, L = 4, D = 3, K = 5;
const double times[] = {0, 0.4, 1};

// x_t, t, free, logits, colours.
std::vector<Tensor> inputs() {
  return {normals({B, L, D}, 1), Tensor::from({B}, std::span<const double>(times), DType::f64), normals({B, L, D}, 2),
          normals({B, L, K + 1}, 3), normals({B, K, D}, 4)};
}

Outputs recorded(Tape&, std::span<const Var> in) { return {palette_velocity(in[0], in[1], in[2], in[3], in[4])}; }

}  // namespace

TEST_CASE("palette: the velocity is that of the free pixel and of each colour, by their shares") {
  const std::vector<Tensor> in = inputs();
  Tape tape(cpu_kernels());
  std::vector<Var> vars;
  for (const Tensor& t : in) vars.push_back(tape.constant(t));
  const Tensor v = palette_velocity(vars[0], vars[1], vars[2], vars[3], vars[4]).value();
  for (std::int64_t i = 0; i < B * L; ++i) {
    const double t = times[i / L], variance = 0.05 * 0.05;
    double shares[K + 1], total = 0;
    for (std::int64_t k = 0; k <= K; ++k) total += shares[k] = std::exp(in[3].at(i * (K + 1) + k));
    for (std::int64_t j = 0; j < D; ++j) {
      const double x = in[0].at(i * D + j);
      double expected = shares[0] / total * in[2].at(i * D + j);
      for (std::int64_t k = 0; k < K; ++k) {
        // E[x_1 | x_t, k] by the gain of a Gaussian; E[x_0 | x_t, k] from what is left of x_t.
        const double c = in[4].at((i / L * K + k) * D + j);
        const double gain = t * variance / (t * t * variance + (1 - t) * (1 - t)), x1 = c + gain * (x - t * c);
        const double x0 = t < 1 ? (x - t * x1) / (1 - t) : 0;
        expected += shares[k + 1] / total * (x1 - x0);
      }
      CHECK(v.at(i * D + j) == doctest::Approx(expected).epsilon(1e-10));
    }
  }
}

TEST_CASE("palette: the velocity's gradients are those of finite differences") {
  const GradcheckResult r = gradcheck(recorded, inputs(), {false, false, true, true, true},
                                      {"x_t", "t", "free", "logits", "colours"}, cpu_kernels());
  CHECK_MESSAGE(r.pass, r.reason);
}

TEST_CASE("palette: the likelihood is that of the free pixel and of each colour, by their shares") {
  const std::vector<Tensor> in = inputs();
  Tape tape(cpu_kernels());
  std::vector<Var> vars;
  for (const Tensor& t : in) vars.push_back(tape.constant(t));
  const double s = 0.6, value = palette_nll(vars[0], vars[1], vars[2], vars[3], vars[4], s).value().item();
  double expected = 0;
  for (std::int64_t i = 0; i < B * L; ++i) {
    const double wide = s + (1 - times[i / L]) / 2;
    double total = 0, sum = 0;
    for (std::int64_t k = 0; k <= K; ++k) {
      double squares = 0;
      for (std::int64_t j = 0; j < D; ++j)
        squares +=
            std::pow(in[0].at(i * D + j) - (k == 0 ? in[2].at(i * D + j) : in[4].at((i / L * K + k - 1) * D + j)), 2);
      const double share = std::exp(in[3].at(i * (K + 1) + k)), of = k == 0 ? wide : s;
      total += share;
      sum += share * std::pow(s / of, D) * std::exp(-squares / (2 * of * of));
    }
    expected -= std::log(sum / total) / (B * L);
  }
  CHECK(value == doctest::Approx(expected).epsilon(1e-12));
}

TEST_CASE("palette: at first a pixel is rather free than of any colour, and no colour is preferred") {
  Tape tape(cpu_kernels());
  const std::int64_t colours = Palette::size();
  const Var named = tape.constant(Tensor::zeros({1, 1, colours + 1}, DType::f64));
  const Tensor shares = softmax(favour_free(named)).value();
  CHECK(shares.at(0) == doctest::Approx(0.56).epsilon(0.01));
  for (std::int64_t k = 1; k <= colours; ++k) CHECK(shares.at(k) == doctest::Approx((1 - shares.at(0)) / 43));
}

TEST_CASE("palette: common colours are spread over the cube, and the rest is told by the condition") {
  Parameters parameters;
  const Init init(parameters, DType::f64, 1);
  const Palette palette(init, 6);
  CHECK(palette.size() == 27 + 16);
  Tape tape(cpu_kernels());
  Context c(tape, parameters);
  c.begin(false);
  const Tensor colours = palette.colours(c, tape.constant(normals({2, 6}, 5))).value();
  REQUIRE(colours.shape() == Shape{2, 27 + 16, 3});
  const auto at = [&](std::int64_t b, std::int64_t k, std::int64_t j) {
    return colours.at((b * palette.size() + k) * 3 + j);
  };
  for (std::int64_t k = 0; k < 27; ++k)
    for (std::int64_t j = 0; j < 3; ++j) {
      CHECK(at(0, k, j) == at(1, k, j));
      CHECK(std::abs(at(0, k, j)) * (1 - std::abs(at(0, k, j))) == 0);
      for (std::int64_t other = 0; other < k; ++other)
        CHECK_FALSE(
            (at(0, k, 0) == at(0, other, 0) && at(0, k, 1) == at(0, other, 1) && at(0, k, 2) == at(0, other, 2)));
    }
  for (std::int64_t k = 27; k < palette.size(); ++k) CHECK(at(0, k, 0) != at(1, k, 0));
}
