// What is true of each loss beyond its registry checks and golden values: identities, ranges, and the mistakes that
// published implementations made.
#include <doctest/doctest.h>

#include <cmath>
#include <numbers>

#include "core/rng.h"
#include "losses/attention_leakage.h"
#include "losses/barlow_twins.h"
#include "losses/clip.h"
#include "losses/cmd.h"
#include "losses/contrastive_distance.h"
#include "losses/dcca.h"
#include "losses/flow_path.h"
#include "losses/gaussian_nll.h"
#include "losses/hsic.h"
#include "losses/info_nce.h"
#include "losses/kl_distillation.h"
#include "losses/kl_gaussian.h"
#include "losses/misa_difference.h"
#include "losses/mse.h"
#include "losses/siglip.h"
#include "losses/variance_hinge.h"
#include "losses/vicreg.h"
#include "losses/xcorr.h"
#include "losses/xcov.h"
#include "losses/xcov_raw.h"

using namespace triptych;

namespace {

template <class F>
Tensor matrix(std::int64_t n, std::int64_t d, F&& f, DType dtype = DType::f64) {
  Tensor t({n, d}, dtype);
  for (std::int64_t i = 0; i < n * d; ++i) t.set(i, f(i / d, i % d));
  return t;
}

Tensor noise(std::int64_t n, std::int64_t d, std::uint64_t stream, DType dtype = DType::f64) {
  Rng rng(11, stream);
  return matrix(
      n, d, [&](auto, auto) { return rng.normal(); }, dtype);
}

// Each row twice.
Tensor doubled(const Tensor& x) {
  const std::int64_t n = x.shape()[0], d = x.shape()[1];
  return matrix(2 * n, d, [&](auto i, auto k) { return x.at(i % n * d + k); });
}

double largest(const Tensor& t) {
  double m = 0;
  for (std::int64_t i = 0; i < t.size(); ++i) m = std::isnan(t.at(i)) ? NAN : std::max(m, std::abs(t.at(i)));
  return m;
}

struct Bench {
  Tape tape{reference_kernels()};
  Var var(const Tensor& t) { return tape.variable(t); }
  Var number(double x) { return tape.variable(Tensor::scalar(x, DType::f64)); }
  Tensor gradient(const Var& y, const Var& x) { return tape.gradients(y, {x})[x]; }
};

double value(const Var& v) { return v.value().item(); }
constexpr double tight = 1e-12;

}  // namespace

TEST_CASE("contrastive losses: gradient rows are orthogonal to their rows, for rows have no length") {
  Bench t;
  const Var a = t.var(noise(6, 4, 1)), b = t.var(noise(6, 4, 2)), scale = t.number(1.2), bias = t.number(-2);
  const Var pair[] = {a, b};
  for (const Var& loss : {info_nce(a, b, 0.3), clip(pair, scale), siglip(a, b, scale, bias)}) {
    const Tensor g = t.gradient(loss, a);
    CHECK(largest(g) > 1e-3);
    for (std::int64_t i = 0; i < 6; ++i) {
      double along = 0;
      for (std::int64_t k = 0; k < 4; ++k) along += g.at(i * 4 + k) * a.value().at(i * 4 + k);
      CHECK(std::abs(along) < tight);
    }
  }
}

TEST_CASE("clip: does not care which modality comes first, is symmetric info_nce, and does not clamp its scale") {
  Bench t;
  const Var a = t.var(noise(5, 3, 1)), b = t.var(noise(5, 3, 2)), scale = t.number(std::log(1 / 0.07));
  const Var ab[] = {a, b}, ba[] = {b, a};
  CHECK(value(clip(ab, scale)) == doctest::Approx(value(clip(ba, scale))).epsilon(tight));
  CHECK(value(clip(ab, scale)) == doctest::Approx(value(info_nce(a, b, 0.07, true))).epsilon(tight));
  const Var past_cap = t.number(std::log(100) + 1);
  CHECK(std::abs(t.gradient(clip(ab, past_cap), past_cap).item()) > 1);
  CHECK_THROWS_WITH(clip(std::span<const Var>(ab, 1), scale), "[clip] number of modalities = 1 must be at least 2");
}

TEST_CASE("contrastive losses: very cold float32 logits stay finite") {
  Bench t;
  const Var a = t.var(noise(8, 4, 1, DType::f32)), b = t.var(noise(8, 4, 2, DType::f32));
  const Var loss = info_nce(a, b, 1e-4);
  CHECK(std::isfinite(value(loss)));
  CHECK(std::isfinite(largest(t.gradient(loss, a))));
}

TEST_CASE("siglip: all pairs are summed and divided by n, not by n^2") {
  Bench t;
  const Var a = t.var(noise(7, 3, 1)), b = t.var(noise(7, 3, 2));
  // scale e^-50: every logit is the bias 0, every pair costs ln 2
  CHECK(value(siglip(a, b, t.number(-50), t.number(0))) == doctest::Approx(7 * std::log(2)).epsilon(tight));
}

TEST_CASE("vicreg: the program's coefficients, and the number of rows there are") {
  Bench t;
  const Vicreg v = vicreg(t.var(noise(5, 3, 1)), t.var(noise(5, 3, 2)));
  const double expected =
      25 * value(v.sim) + 12.5 * (value(v.var_a) + value(v.var_b)) + value(v.cov_a) + value(v.cov_b);
  CHECK(value(v.value) == doctest::Approx(expected).epsilon(tight));
  // Columns +1, -1 over n rows have variance n / (n - 1): 2 for two rows.
  const Tensor signs = matrix(2, 1, [](auto i, auto) { return i == 0 ? 1.0 : -1.0; });
  CHECK(value(variance_hinge(t.var(signs), 3, 0)) == doctest::Approx(3 - std::sqrt(2)).epsilon(tight));
}

TEST_CASE("variance_hinge: collapse is the worst value, without NaN and without a gradient") {
  Bench t;
  const Var z = t.var(matrix(4, 3, [](auto, auto k) { return 0.1 * static_cast<double>(k + 1); }));
  const Var loss = variance_hinge(z);
  CHECK(value(loss) == doctest::Approx(0.99).epsilon(tight));
  CHECK(largest(t.gradient(loss, z)) < 1e-12);
}

TEST_CASE("barlow_twins: equal views reach 0 at any batch size, and a view may be rescaled column by column") {
  Bench t;
  for (const std::int64_t n : {3, 4, 8}) {
    const Var a = t.var(noise(n, 1, 3));
    CHECK(value(barlow_twins(a, a, 0.0051, 0)) < tight);  // a divisor n - 1 would leave (1 / n)^2
  }
  const Tensor z = noise(8, 3, 1);
  const Tensor moved = matrix(8, 3, [&](auto i, auto k) {
    return (2 + static_cast<double>(k)) * z.at(i * 3 + k) - 5 * static_cast<double>(k);
  });
  const Var a = t.var(z), b = t.var(noise(8, 3, 2));
  CHECK(value(barlow_twins(a, b, 0.1, 0)) ==
        doctest::Approx(value(barlow_twins(t.var(moved), b, 0.1, 0))).epsilon(1e-9));
}

TEST_CASE("cross-covariance: the raw form grows with the square of the batch, the others do not") {
  Bench t;
  const Tensor a = noise(40, 3, 1), b = noise(40, 2, 2);
  const Var x = t.var(a), y = t.var(b), xx = t.var(doubled(a)), yy = t.var(doubled(b));
  CHECK(value(xcov_raw(xx, yy)) == doctest::Approx(4 * value(xcov_raw(x, y))).epsilon(1e-12));
  CHECK(value(xcov(xx, yy)) == doctest::Approx(value(xcov(x, y))).epsilon(0.06));
  CHECK(value(xcorr(xx, yy)) == doctest::Approx(value(xcorr(x, y))).epsilon(1e-12));
}

TEST_CASE("xcorr: 1 for a column and its multiple, about 1/(n-1) for independent data") {
  Bench t;
  const Tensor a = noise(64, 1, 1);
  const Var x = t.var(a), y = t.var(matrix(64, 1, [&](auto i, auto) { return 3 - 2 * a.at(i); }));
  CHECK(value(xcorr(x, y)) == doctest::Approx(1).epsilon(tight));
  CHECK(value(xcorr(t.var(noise(101, 20, 4)), t.var(noise(101, 20, 5)))) == doctest::Approx(0.01).epsilon(0.2));
}

TEST_CASE("xcorr: a constant column counts 0, also where float32 leaves rounding dust") {
  for (const DType dtype : {DType::f32, DType::f64})
    for (const double constant : {0.0, 0.1, 123.4}) {
      Bench t;
      const Var a = t.var(matrix(
          7, 2, [&](auto i, auto k) { return k == 0 ? constant : std::sin(i); }, dtype));
      const Var b = t.var(noise(7, 1, 1, dtype));
      const Var only = t.var(matrix(
          7, 1, [](auto i, auto) { return std::sin(i); }, dtype));
      const Var loss = xcorr(a, b);
      CHECK(value(loss) == doctest::Approx(value(xcorr(only, b)) / 2).epsilon(1e-5));
      const Tensor g = t.gradient(loss, a);
      for (std::int64_t i = 0; i < 7; ++i) CHECK(g.at(2 * i) == 0);
    }
}

TEST_CASE("misa_difference: zero rows stay finite, and detaching changes the gradient only") {
  Bench t;
  const Tensor z =
      matrix(4, 2, [](auto i, auto k) { return i == 0 ? 0.0 : (i == 1 ? -1.0 : 1.0) * (i == 3 ? 0 : k + 1.0); });
  const Var a = t.var(z), b = t.var(noise(4, 2, 1));  // rows 0 and 3 of a are 0, and so are its means
  const Var full = misa_difference(a, b, false), detached = misa_difference(a, b, true);
  CHECK(value(full) == value(detached));
  CHECK(std::isfinite(largest(t.gradient(full, a))));
  CHECK(std::isfinite(largest(t.gradient(detached, a))));
}

TEST_CASE("cmd: equal batches cost 0 with gradient 0, not NaN; only what moments see counts") {
  Bench t;
  const Tensor z = noise(6, 3, 1);
  const Var a = t.var(z), b = t.var(z.clone());
  const Var loss = cmd(a, b);
  CHECK(value(loss) == 0);
  CHECK(largest(t.gradient(loss, a)) == 0);
  const Var shifted = t.var(matrix(6, 3, [&](auto i, auto k) { return z.at(i * 3 + k) + (k == 0 ? 2 : 0); }));
  CHECK(value(cmd(a, shifted, 5)) == doctest::Approx(2).epsilon(1e-9));  // central moments ignore a shift
}

TEST_CASE("mse: what a mask hides counts neither above nor below the line") {
  Bench t;
  const Tensor a = noise(6, 2, 1), b = noise(6, 2, 2);
  Tensor padded_a = a.clone().reshaped({2, 3, 2}), mask = Tensor::full({2, 3}, DType::f64, 1);
  for (const std::int64_t token : {2, 4, 5}) {
    mask.set(token, 0);
    padded_a.set(2 * token, 1e6);
  }
  const Tensor real_a = matrix(3, 2, [&](auto i, auto k) { return a.at((i == 2 ? 3 : i) * 2 + k); }),
               real_b = matrix(3, 2, [&](auto i, auto k) { return b.at((i == 2 ? 3 : i) * 2 + k); });
  const Var x = t.var(padded_a), y = t.var(b.clone().reshaped({2, 3, 2}));
  const Var loss = mse(x, y, t.tape.constant(mask));
  CHECK(value(loss) == doctest::Approx(value(mse(t.var(real_a), t.var(real_b)))).epsilon(tight));
  CHECK(t.gradient(loss, x).at(4) == 0);
  const Var nothing = mse(x, y, t.tape.constant(Tensor::zeros({2, 3}, DType::f64)));
  CHECK(value(nothing) == 0);
  CHECK(largest(t.gradient(nothing, x)) == 0);
  CHECK_THROWS_WITH(mse(x, y, t.var(mask)), "[mse] mask must be a constant: no gradient flows into it");
}

TEST_CASE("kl_gaussian: 0 with zero gradient at q = p, and a mean over rows of sums over columns") {
  Bench t;
  const Tensor m = noise(3, 4, 1), l = noise(3, 4, 2);
  const Var mu = t.var(m), logvar = t.var(l);
  const Var same = kl_gaussian(mu, logvar, t.var(m.clone()), t.var(l.clone()));
  CHECK(std::abs(value(same)) < tight);
  CHECK(largest(t.gradient(same, mu)) < tight);
  CHECK(largest(t.gradient(same, logvar)) < tight);
  const Var ones = t.var(Tensor::full({3, 4}, DType::f64, 1)), zeros = t.var(Tensor::zeros({3, 4}, DType::f64));
  CHECK(value(kl_gaussian(ones, zeros)) == doctest::Approx(2).epsilon(tight));
}

TEST_CASE("kl_distillation: T^2 and the batch mean; gradients sum to 0 over classes; no logarithm of 0") {
  Bench t;
  const Tensor teacher = noise(4, 3, 2);
  const Var student = t.var(noise(4, 3, 1));
  const auto loss = [&](double temperature) { return kl_distillation(student, t.tape.constant(teacher), temperature); };
  const Tensor g = t.gradient(loss(2), student);
  for (std::int64_t i = 0; i < 4; ++i) CHECK(std::abs(g.at(3 * i) + g.at(3 * i + 1) + g.at(3 * i + 2)) < tight);
  // For large T the loss tends to half the mean square of the centred difference of logits, whatever T is.
  CHECK(value(loss(1e4)) == doctest::Approx(value(loss(2e4))).epsilon(1e-3));
  CHECK(std::abs(value(kl_distillation(t.var(teacher), t.tape.constant(teacher)))) < tight);
  const Var sure = t.var(matrix(1, 2, [](auto, auto k) { return k == 0 ? 800.0 : -800.0; }));
  const Var wrong = t.tape.constant(matrix(1, 2, [](auto, auto k) { return k == 0 ? -800.0 : 800.0; }));
  CHECK(value(kl_distillation(sure, wrong)) == doctest::Approx(1600).epsilon(tight));
  CHECK_FALSE(t.gradient(kl_distillation(student, t.var(teacher)), student).at(0) == 0);
}

TEST_CASE("flow_path: t = 1 is data") {
  Bench t;
  const Tensor noise_ = noise(2, 3, 1), data = noise(2, 3, 2);
  Tensor ends = Tensor::zeros({2}, DType::f64);
  ends.set(1, 1);
  const FlowPath path = flow_path(t.var(noise_), t.var(data), t.tape.constant(ends));
  for (std::int64_t k = 0; k < 3; ++k) {
    CHECK(path.x_t.value().at(k) == noise_.at(k));
    CHECK(path.x_t.value().at(3 + k) == data.at(3 + k));
    CHECK(path.target.value().at(k) == data.at(k) - noise_.at(k));
  }
}

TEST_CASE("hsic: float32 with a large offset, equal rows, and linear kernels are xcov") {
  Bench t;
  const Tensor z = noise(16, 8, 1);
  const HsicOptions linear{.rbf = false}, unbiased{.rbf = false, .unbiased = true};
  const double truth = value(hsic(t.var(z), t.var(z), unbiased).value);
  for (const double offset : {100.0, 1000.0}) {
    const Tensor moved = matrix(
        16, 8, [&](auto i, auto k) { return offset + z.at(i * 8 + k); }, DType::f32);
    Bench single;
    CHECK(value(hsic(single.var(moved), single.var(moved), unbiased).value) == doctest::Approx(truth).epsilon(1e-3));
  }
  const Var a = t.var(z), b = t.var(noise(16, 3, 2));
  CHECK(value(hsic(a, b, linear).value) == doctest::Approx(value(xcov(a, b))).epsilon(tight));
  const Var equal = t.var(matrix(5, 2, [](auto, auto) { return 0.3; }));
  const Hsic h = hsic(equal, t.var(noise(5, 2, 3)));
  CHECK(std::abs(value(h.value)) < tight);
  CHECK(value(h.bandwidth_a) == 1);
  CHECK(largest(t.gradient(h.value, equal)) < tight);
}

TEST_CASE("hsic: the gradient of a shrinking side does not count its own median") {
  Bench t;
  const Var a = t.var(noise(6, 3, 1)), b = t.var(noise(6, 2, 2));
  const Hsic free = hsic(a, b);
  CHECK_FALSE(free.bandwidth_a.requires_grad());
  const Hsic fixed_a = hsic(a, a, {.bandwidth = value(free.bandwidth_a)});
  const Tensor g = t.gradient(hsic(a, a).value, a), expected = t.gradient(fixed_a.value, a);
  for (std::int64_t i = 0; i < g.size(); ++i) CHECK(g.at(i) == doctest::Approx(expected.at(i)).epsilon(tight));
}

TEST_CASE("dcca: what a linear map of a code cannot change, and correlations of 0") {
  Bench t;
  const Tensor z = noise(12, 3, 1);
  // An invertible map of z: columns z0 + z1, 2 z1, z2 - z0.
  const Tensor mapped = matrix(12, 3, [&](auto i, auto k) {
    const double z0 = z.at(i * 3), z1 = z.at(i * 3 + 1), z2 = z.at(i * 3 + 2);
    return k == 0 ? z0 + z1 : k == 1 ? 2 * z1 : z2 - z0;
  });
  CHECK(value(dcca(t.var(z), t.var(mapped), 0).value) == doctest::Approx(-3).epsilon(tight));
  const Var b = t.var(noise(12, 2, 2));
  CHECK(value(dcca(t.var(z), b, 0).value) == doctest::Approx(value(dcca(t.var(mapped), b, 0).value)).epsilon(1e-10));
  // Columns without any correlation: the trace norm has a kink there, and 0 is one of its subgradients.
  const Tensor x = matrix(4, 1, [](auto i, auto) { return i < 2 ? 1.0 : -1.0; });
  const Tensor y = matrix(4, 1, [](auto i, auto) { return i % 2 ? 1.0 : -1.0; });
  const Var left = t.var(x), right = t.var(y);
  const Dcca none = dcca(left, right);
  CHECK(std::abs(value(none.value)) < tight);
  CHECK(std::isfinite(largest(t.gradient(none.value, left))));
}

TEST_CASE("contrastive_distance: two hand cases, and negatives further away cost less") {
  Bench t;
  const auto column = [&](std::vector<double> v) {
    return t.var(Tensor::from({static_cast<std::int64_t>(v.size()), 1}, std::span<const double>(v), DType::f64));
  };
  CHECK(std::abs(value(contrastive_distance(column({3, 3}), column({3, 3}), column({3, 3})))) < tight);
  const double expected = 1 + std::log((std::exp(-4) + 2 * std::exp(-1)) / 3);
  CHECK(value(contrastive_distance(column({0}), column({1}), column({2, -1}))) ==
        doctest::Approx(expected).epsilon(tight));
  CHECK(value(contrastive_distance(column({0}), column({1}), column({4, -3}))) < expected);
  // Without negatives the other rows of a are taken: here 0 and 2, apart by 4.
  const double near = 1 + std::log((std::exp(-1) + std::exp(-4)) / 2), same = std::log((1 + std::exp(-4)) / 2);
  CHECK(value(contrastive_distance(column({0, 2}), column({1, 2}))) ==
        doctest::Approx((near + same) / 2).epsilon(tight));
}

TEST_CASE("attention_leakage: a query without attention leaks nothing and sends no gradient") {
  Bench t;
  Tensor columns({1}, DType::i32);
  columns.set(0, 1);
  const Var attention = t.var(matrix(2, 2, [](auto i, auto k) { return i == 0 ? 0.0 : k == 1 ? 0.25 : 0.75; }));
  const AttentionLeakage l = attention_leakage(attention, t.tape.constant(columns));
  CHECK(value(l.value) == doctest::Approx(0.25).epsilon(tight));
  CHECK(l.per_query.value().values() == std::vector<double>{0, 0.25});
  CHECK(value(l.normalised) == doctest::Approx(0.5).epsilon(tight));
  const Tensor g = t.tape.gradients(l.per_query, {attention}, Tensor::full({2}, DType::f64, 1))[attention];
  CHECK(g.values() == std::vector<double>{0, 0, -0.25, 0.75});
  const AttentionLeakage clean = attention_leakage(attention, t.tape.constant(Tensor::zeros({0}, DType::i32)));
  CHECK(value(clean.normalised) == 0);
}

TEST_CASE("gaussian_nll: a mean over real rows of sums over columns; nothing real is 0") {
  Bench t;
  const Var a = t.var(Tensor::full({3, 4}, DType::f64, 1)), b = t.var(Tensor::zeros({3, 4}, DType::f64));
  const double constant = 2 * std::log(2 * std::numbers::pi);
  CHECK(value(gaussian_nll(a, b)) == doctest::Approx(2 + constant).epsilon(tight));
  CHECK(value(gaussian_nll(a, b, t.tape.constant(Tensor::zeros({3}, DType::f64)))) == 0);
  CHECK(value(gaussian_nll(a, b, {}, 0.25)) == doctest::Approx(8 + constant + 2 * std::log(0.25)).epsilon(tight));
}

TEST_CASE("vcca: the negative ELBO of one sample is kl_gaussian plus gaussian_nll") {
  Bench t;
  const auto row = [&](std::vector<double> v) {
    return t.var(Tensor::from({1, static_cast<std::int64_t>(v.size())}, std::span<const double>(v), DType::f64));
  };
  const auto reconstruction = [&](std::vector<double> x, std::vector<double> decoded) {
    return value(gaussian_nll(row(decoded), row(x)));
  };
  const std::vector<double> mu{0.3, -0.2}, logvar{-0.5, 0.1}, eps{0.7, -1.1};
  std::vector<double> z;
  for (std::size_t i = 0; i < 2; ++i) z.push_back(mu[i] + std::exp(logvar[i] / 2) * eps[i]);
  const double kl = value(kl_gaussian(row(mu), row(logvar)));
  CHECK(kl == doctest::Approx(0.12085078889414057).epsilon(tight));
  const double elbo = kl + reconstruction({1, -0.5}, {z[0] + 0.5 * z[1], -0.5 * z[0] + z[1]}) +
                      reconstruction({0.25, 0.75, -1}, {0.2 * z[0] + z[1], z[0] - 0.3 * z[1], 0.4 * z[0] + 0.4 * z[1]});
  CHECK(elbo == doctest::Approx(7.355879916115649).epsilon(tight));
}
