// Generated data: moments, independence, what depends on what, and how far a linear probe can get.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "app/evaluation.h"
#include "app/synthetic_source.h"
#include "data/synthetic.h"
#include "metrics/logistic_probe.h"
#include "metrics/ridge_probe.h"
#include "tests/io_helpers.h"

using namespace triptych;
using data::Identifiability;
using data::IdentifiabilityOptions;
using data::IdentifiabilitySamples;

namespace {

// Covariance of column i of a with column j of b.
double covariance(const Tensor& a, std::int64_t i, const Tensor& b, std::int64_t j) {
  const std::int64_t n = a.shape()[0], p = a.shape()[1], q = b.shape()[1];
  double sa = 0, sb = 0, sab = 0;
  for (std::int64_t r = 0; r < n; ++r) {
    const double x = a.at(r * p + i), y = b.at(r * q + j);
    sa += x, sb += y, sab += x * y;
  }
  return (sab - sa * sb / static_cast<double>(n)) / static_cast<double>(n);
}

double r2(const Tensor& x, const Tensor& y) { return metrics::linear_probe_r2(x, y).value(); }

// Accuracy of a linear probe fitted on the first four fifths of the rows and scored on the rest.
double accuracy(const Tensor& x, const std::vector<std::int32_t>& labels) {
  const std::int64_t n = x.shape()[0], d = x.shape()[1], cut = n * 4 / 5;
  const auto part = [&](std::int64_t from, std::int64_t to) {
    return Tensor::from({to - from, d},
                        std::span(x.data<float>() + from * d, static_cast<std::size_t>((to - from) * d)), DType::f32);
  };
  const std::span<const std::int32_t> all(labels);
  const auto at = static_cast<std::size_t>(cut);
  return metrics::logistic_probe(part(0, cut), all.first(at), part(cut, n), all.subspan(at)).accuracy;
}

app::DataConfig source_named(const std::string& name) {
  app::DataConfig config;
  config.source = "synthetic:" + name;
  return config;
}

}  // namespace

TEST_CASE("identifiability: independent factors of mean 0 and variance 1, and a style that always changes") {
  const IdentifiabilitySamples s = Identifiability({}, 1).draw(0, 3, 20000);
  for (const Tensor& f : {s.content, s.style[0], s.own[0], s.own[1]}) {
    CHECK(covariance(f, 0, f, 0) == doctest::Approx(1).epsilon(0.05));
    CHECK(std::abs(covariance(f, 0, f, 1)) < 0.03);
  }
  CHECK(covariance(s.style[1], 1, s.style[1], 1) == doctest::Approx(2).epsilon(0.05));
  CHECK(covariance(s.style[0], 1, s.style[1], 1) == doctest::Approx(1).epsilon(0.05));
  CHECK(r2(s.content, s.style[0]) < 0.001);
  CHECK(r2(s.own[0], s.own[1]) < 0.001);
}

TEST_CASE("identifiability: a seed fixes the process, a stream the samples") {
  const Identifiability process({}, 1);
  const IdentifiabilitySamples a = process.draw(0, 3, 50), b = Identifiability({}, 1).draw(0, 3, 50);
  CHECK(same_bits(a.x[0], b.x[0]));
  CHECK(same_bits(a.x[1], b.x[1]));
  CHECK_FALSE(same_bits(a.x[0], process.draw(0, 4, 50).x[0]));
  for (const std::uint64_t series : {std::uint64_t{1}, std::uint64_t{1} << 24, std::uint64_t{1} << 32})
    CHECK_FALSE(same_bits(a.x[0], process.draw(series, 3, 50).x[0]));
  const IdentifiabilitySamples other = Identifiability({}, 2).draw(0, 3, 50);
  CHECK_FALSE(same_bits(a.content, other.content));
  CHECK_FALSE(same_bits(a.x[0], a.x[1]));
}

TEST_CASE("identifiability: one layer is an invertible linear map of unit columns, two are not linear") {
  IdentifiabilityOptions options;
  options.layers = 1;
  const IdentifiabilitySamples s = Identifiability(options, 1).draw(0, 0, 400);
  for (const Tensor& f : {s.content, s.style[0], s.own[0]}) CHECK(r2(s.x[0], f) > 0.999999);
  for (const Tensor& f : {s.content, s.style[1], s.own[1]}) CHECK(r2(s.x[1], f) > 0.999999);
  double total = 0;  // of 6 unit columns and factors of variance 1
  for (std::int64_t i = 0; i < 6; ++i) total += covariance(s.x[0], i, s.x[0], i);
  CHECK(total == doctest::Approx(6).epsilon(0.2));
  const IdentifiabilitySamples bent = Identifiability({}, 1).draw(0, 0, 400);
  CHECK(r2(bent.x[0], bent.content) < 0.98);
  CHECK(r2(bent.x[0], bent.own[1]) < 0.05);
}

TEST_CASE("identifiability: correlated factors, style caused by content, and how often a style changes") {
  IdentifiabilityOptions options;
  options.statistical = options.causal = true;
  options.change = 0.75;
  options.content = options.style = 3;
  const IdentifiabilitySamples s = Identifiability(options, 2).draw(0, 0, 4000);
  CHECK(s.content.shape() == Shape{4000, 3});
  CHECK(s.x[0].shape() == Shape{4000, 8});
  CHECK(std::abs(covariance(s.content, 0, s.content, 1)) > 0.1);
  CHECK(r2(s.content, s.style[0]) > 0.2);
  std::int64_t kept = 0;
  for (std::int64_t i = 0; i < s.style[0].size(); ++i) kept += s.style[0].at(i) == s.style[1].at(i);
  CHECK(static_cast<double>(kept) / 12000 == doctest::Approx(0.25).epsilon(0.05));
  options.change = 1.5;
  io_test::check_refused([&] { Identifiability(options, 1); }, "synthetic.options", {"change in [0, 1]"}, Exit::usage);
}

TEST_CASE("linear views: moments, balanced labels, and the ceilings of a linear probe") {
  const data::LinearViews v = data::linear_views(6000, 0);
  CHECK(covariance(v.factors[0], 7, v.factors[0], 7) == doctest::Approx(0.5).epsilon(0.1));
  CHECK(std::abs(covariance(v.factors[0], 7, v.factors[1], 7)) < 0.03);
  // 100 factors of variance 1/2 times weights of variance 1/3.
  CHECK(covariance(v.x, 3, v.x, 3) == doctest::Approx(100.0 / 6).epsilon(0.5));
  for (const auto& labels : v.labels) CHECK(std::count(labels.begin(), labels.end(), 1) == 3000);
  CHECK(same_bits(v.y, data::linear_views(6000, 0).y));
  // Measured on 20 000 rows of this seed, in percent.
  const double x[] = {79.6, 81.0, 49.0}, y[] = {49.3, 81.6, 78.0};
  for (std::size_t f = 0; f < 3; ++f) {
    CHECK(std::abs(100 * accuracy(v.x, v.labels[f]) - x[f]) < 1.5);
    CHECK(std::abs(100 * accuracy(v.y, v.labels[f]) - y[f]) < 1.5);
  }
}

TEST_CASE("synthetic sources: rows, factors and who should hold them") {
  const app::SyntheticSource two_views(source_named("identifiability")), labelled(source_named("disentangled"));
  CHECK(two_views.modalities()[1].name == "x2");
  CHECK(two_views.modalities()[1].width == 6);
  CHECK(two_views.test_items() == 4096);
  CHECK(labelled.modalities()[0].width == 100);
  CHECK(labelled.train_items() == 16000);
  using enum app::Factor::Holder;
  const auto held_out = two_views.blocks(true);
  const auto& factors = held_out[1].factors;
  REQUIRE(factors.size() == 4);
  const app::Factor::Holder expected[] = {shared, own, own, foreign};
  const char* const names[] = {"content", "style", "modality", "other_modality"};
  for (std::size_t f = 0; f < 4; ++f) {
    CHECK(factors[f].name == names[f]);
    CHECK(factors[f].holder == expected[f]);
    CHECK(factors[f].values.shape() == Shape{4096, 2});
  }
  CHECK(same_bits(factors[0].values, held_out[0].factors[0].values));
  CHECK(same_bits(factors[2].values, held_out[0].factors[3].values));
  const auto blocks = labelled.blocks(true);
  CHECK(blocks[0].factors[0].holder == own);
  CHECK(blocks[1].factors[0].holder == foreign);
  CHECK(blocks[1].factors[1].labels == blocks[0].factors[1].labels);
  CHECK(blocks[0].factors[2].labels.size() == 4000);
}

TEST_CASE("synthetic sources: batches are a function of seed and step, and the process one of data.seed") {
  for (const char* name : {"identifiability", "disentangled"}) {
    CAPTURE(name);
    app::SyntheticSource a(source_named(name)), b(source_named(name));
    Batch first, later, again, other;
    a.train_batch(5, 0, 64, first);
    a.train_batch(5, 7, 64, later);
    b.train_batch(5, 7, 64, again);
    b.train_batch(5 + (1 << 24), 7, 64, other);
    CHECK(later.modalities[1].values.shape() == Shape{64, 1, a.modalities()[1].width});
    CHECK(same_bits(later.modalities[1].values, again.modalities[1].values));
    CHECK_FALSE(same_bits(later.modalities[0].values, first.modalities[0].values));
    CHECK_FALSE(same_bits(later.modalities[0].values, other.modalities[0].values));
    CHECK(a.fingerprint() == b.fingerprint());
    app::DataConfig moved = source_named(name);
    moved.seed = 1;
    CHECK(app::SyntheticSource(moved).fingerprint() != a.fingerprint());
  }
}

TEST_CASE("evaluation: real factors are scored by R^2 of the code as it is") {
  const app::SyntheticSource source(source_named("identifiability"));
  app::Codes codes;
  codes.modalities = {"x1", "x2"};
  for (const bool held_out : {false, true})
    for (const app::Block& b : source.blocks(held_out)) {
      app::CodedBlock c{b.modality, b.view, b.item, b.factors, {}, {}, {}, {}};
      c.raw_shared_code = b.factors[0].values;  // the content itself: its length counts
      c.shared_code = app::unit_rows(c.raw_shared_code);
      c.private_code = b.factors[2].values;
      (held_out ? codes.test : codes.train).push_back(std::move(c));
    }
  const app::Evaluation e = app::evaluate(codes);
  REQUIRE(e.probes.size() == 16);
  for (const app::Probe& p : e.probes) {
    CAPTURE(p.code);
    CAPTURE(p.factor);
    CHECK(p.metric == "r2");
    CHECK(p.n == 4096);
    const bool in_shared = p.code.starts_with("shared.");
    CHECK(p.wanted == (in_shared ? p.factor == "content" : p.factor == "style" || p.factor == "modality"));
    CHECK(p.value == doctest::Approx(p.factor == (in_shared ? "content" : "modality") ? 1 : 0).epsilon(0.01));
  }
  CHECK(e.leakage.size() == 10);
}

TEST_CASE("synthetic sources: a mistyped name is answered with the nearest") {
  const Error error = io_test::check_refused([] { app::check_source("synthetic:identifiabilty"); }, "config.value",
                                             {"'synthetic:identifiabilty'", "split:FILE"}, Exit::usage);
  CHECK(error.hint == "did you mean 'synthetic:identifiability'?");
  io_test::check_refused([] { app::check_source("split:"); }, "config.value", {"split:FILE"}, Exit::usage);
}

TEST_CASE("evaluation: what the process itself makes factors tell of each other is no leakage") {
  app::DataConfig config = source_named("identifiability");
  config.causal = true;  // content causes style
  const app::SyntheticSource source(config);
  app::Codes codes;
  codes.modalities = {"x1", "x2"};
  for (const bool held_out : {false, true})
    for (const app::Block& b : source.blocks(held_out)) {
      app::CodedBlock c{b.modality, b.view, b.item, b.factors, {}, {}, {}, {}};
      c.raw_shared_code = c.shared_code = b.factors[0].values;  // the content, as a perfect shared code holds it
      c.private_code = b.factors[1].values;
      (held_out ? codes.test : codes.train).push_back(c);
    }
  const app::Evaluation e = app::evaluate(codes);
  for (const app::Probe& p : e.probes)
    if (p.code == "shared.x1" && p.factor == "style") {
      CHECK(p.value > 0.2);
      CHECK(p.chance == doctest::Approx(p.value).epsilon(1e-6));
    } else if (p.wanted == true) {
      CHECK(p.chance == 0);
    }
  for (const app::Leak& l : e.leakage)
    if (l.code == "shared.x1") CHECK(*l.value == doctest::Approx(0).epsilon(1e-6));
}
