// Objectives as lists of terms: which codes a term acts on, its weight over training, views, and missing modalities.
#include <doctest/doctest.h>

#include "core/error.h"
#include "core/rng.h"
#include "losses/clip.h"
#include "losses/variance_hinge.h"
#include "losses/xcorr.h"
#include "models/objective/objective.h"
#include "models/objective/presets.h"
#include "ops/gather.h"
#include "ops/slice.h"

using namespace triptych;

namespace {

Tensor drawn(Shape shape, std::uint64_t stream) {
  Tensor t(shape, DType::f64);
  Rng rng(7, stream);
  for (std::int64_t i = 0; i < t.size(); ++i) t.set(i, rng.normal());
  return t;
}

const std::vector<std::string> names = {"text", "image", "sound"};

// Codes of three modalities for six rows, and the objective's own parameters.
struct Setup {
  Parameters parameters;
  Tape tape{cpu_kernels()};
  Context c{tape, parameters};
  Factors f;
  InlineVector<Encoded, 8> encoded;

  Objective make(const std::vector<TermConfig>& terms) {
    const Init init(parameters, DType::f64, 1);
    Objective o(init, terms, {names, {4, 4, 4}, 3, 3, 0.5}, nullptr);
    c.begin(true);
    for (std::size_t m = 0; m < names.size(); ++m) {
      f.private_codes.push_back(tape.variable(drawn({6, 3}, m)));
      f.shared_codes.push_back(tape.variable(drawn({6, 3}, 10 + m)));
      const Var h = tape.constant(drawn({6, 2, 4}, 20 + m));
      encoded.push_back({{h, {}}, {h, {}}, h});
    }
    return o;
  }
  double value(const Objective& o, std::int64_t views = 1, double progress = 1, double gate = 1) {
    const LossTerms t = o.evaluate(c, {f, encoded, views, progress, gate});
    return t.total ? t.total.value().item() : 0;
  }
};

const char* refusal(const TermConfig& term, std::string& hint) {
  static std::string message;
  try {
    resolve(term, find_loss(term.loss), names);
    message = "accepted";
  } catch (const Error& e) {
    CHECK(e.exit == Exit::usage);
    message = e.what();
    hint = e.hint;
  }
  return message.c_str();
}

}  // namespace

TEST_CASE("objective: a loss of two codes takes every pair, a loss of one every code") {
  Setup s;
  const Objective o =
      s.make({{"d", "xcorr", {"private-shared", "private"}, 2, 2}, {"v", "variance_hinge", {"shared"}}});
  double expected = 0;
  for (std::size_t a = 0; a < 3; ++a) {
    expected += 2 * xcorr(s.f.private_codes[a], s.f.shared_codes[a]).value().item();
    expected += variance_hinge(s.f.shared_codes[a]).value().item();
    for (std::size_t b = a + 1; b < 3; ++b)
      expected += 2 * xcorr(s.f.private_codes[a], s.f.private_codes[b]).value().item();
  }
  CHECK(s.value(o) == doctest::Approx(expected).epsilon(1e-14));
}

TEST_CASE("objective: named codes, and a pair of them") {
  Setup s;
  const Objective o =
      s.make({{"pair", "xcorr", {"private.text", "shared.sound"}}, {"one", "variance_hinge", {"private.image"}}});
  CHECK(s.value(o) == doctest::Approx(xcorr(s.f.private_codes[0], s.f.shared_codes[2]).value().item() +
                                      variance_hinge(s.f.private_codes[1]).value().item())
                          .epsilon(1e-14));
}

TEST_CASE("objective: contrastive terms compare views one by one, statistics take them stacked") {
  Setup s;
  const Objective o = s.make({{"align", "clip", {"shared"}}, {"views", "clip", {"views.shared"}, 3, 3}});
  const Var scale = s.c.parameters()[0];
  const auto part = [](const Var& x, int v) { return slice(x, 0, 3 * v, 3 * v + 3); };
  double expected = 0;
  for (std::size_t a = 0; a < 3; ++a) {
    const Var both[] = {part(s.f.shared_codes[a], 0), part(s.f.shared_codes[a], 1)};
    expected += 3 * clip(both, scale).value().item();
    for (std::size_t b = a + 1; b < 3; ++b)
      for (int i = 0; i < 2; ++i)
        for (int j = 0; j < 2; ++j) {
          const Var pair[] = {part(s.f.shared_codes[a], i), part(s.f.shared_codes[b], j)};
          expected += clip(pair, scale).value().item() / 4;
        }
  }
  CHECK(s.value(o, 2) == doctest::Approx(expected).epsilon(1e-13));
  CHECK(s.value(o, 1) != doctest::Approx(expected));
}

TEST_CASE("objective: samples that lack a modality are left out of the terms that need it") {
  Setup s;
  const Objective o =
      s.make({{"align", "clip", {"shared.text", "shared.image"}}, {"v", "variance_hinge", {"private.text"}}});
  Tensor mask = Tensor::full({6, 2}, DType::f64, 1);
  for (const int row : {1, 4})
    for (int t = 0; t < 2; ++t) mask.set(row * 2 + t, 0);
  s.encoded[0].h.mask = s.tape.constant(mask);
  Tensor index({4}, DType::i32);
  for (int i = 0; const int row : {0, 2, 3, 5}) index.set(i++, row);
  const Var rows = s.tape.constant(index);
  const Var pair[] = {gather(s.f.shared_codes[0], rows), gather(s.f.shared_codes[1], rows)};
  const double expected = clip(pair, s.c.parameters()[0]).value().item() +
                          variance_hinge(gather(s.f.private_codes[0], rows)).value().item();
  CHECK(s.value(o) == doctest::Approx(expected).epsilon(1e-14));
  for (std::int64_t i = 0; i < 10; ++i) mask.set(i, 0);  // one sample left: nothing to compare
  CHECK(s.value(o) == 0);
}

TEST_CASE("objective: weights over training") {
  TermConfig t{"x", "clip", {"shared"}, 4, 1, WeightSchedule::linear};
  CHECK(weight_at(t, 0.25, 0) == 3.25);
  t.schedule = WeightSchedule::cosine;
  CHECK(weight_at(t, 0, 0) == 4);
  CHECK(weight_at(t, 0.5, 0) == doctest::Approx(2.5));
  CHECK(weight_at(t, 1, 0) == doctest::Approx(1));
  t.schedule = WeightSchedule::gate;
  CHECK(weight_at(t, 0.9, 0.5) == 2);
  t.schedule = WeightSchedule::constant;
  CHECK(weight_at(t, 0.9, 0.5) == 4);
  CHECK_THROWS_WITH_AS(parse_schedule("linaer"),
                       "objective: schedule 'linaer' must be constant, gate, linear or cosine", Error);
}

TEST_CASE("objective: a closed gate records nothing of what it weighs") {
  Setup s;
  const Objective o =
      s.make({{"align", "clip", {"shared"}, 1, 1, WeightSchedule::gate}, {"v", "variance_hinge", {"private"}}});
  const LossTerms t = o.evaluate(s.c, {s.f, s.encoded, 1, 0.1, 0});
  REQUIRE(t.terms.size() == 1);
  CHECK(t.terms[0].name == "v");
}

TEST_CASE("objective: what cannot be is refused with the nearest name") {
  std::string hint;
  CHECK(refusal({"x", "xcorr", {"privat"}}, hint) == std::string("objective 'x': on = 'privat' is not a code"));
  CHECK(hint == "did you mean 'private'?");
  CHECK(refusal({"x", "xcorr", {"shared.txt"}}, hint) == std::string("objective 'x': on = 'shared.txt' is not a code"));
  CHECK(hint == "did you mean 'shared.text'?");
  CHECK(refusal({"x", "xcorr", {"shared.text"}}, hint) ==
        std::string("objective 'x': the loss xcorr takes two codes, 'on' names 1"));
  CHECK(refusal({"x", "variance_hinge", {"private-shared"}}, hint) ==
        std::string("objective 'x': on = 'private-shared' is not for the loss variance_hinge"));
  CHECK(refusal({"x", "clip", {"reconstruction"}}, hint) ==
        std::string("objective 'x': on = 'reconstruction' takes the loss mse, got clip"));
  CHECK(refusal({"x", "clip", {"routing"}}, hint) ==
        std::string("objective 'x': on = 'routing' takes losses with an input 'gates', clip has none"));
  CHECK(refusal({"x", "xcorr", {}}, hint) == std::string("objective 'x': needs the codes it acts on: on = \"shared\""));
  CHECK_THROWS_WITH_AS(find_loss("xcor"), "objective: loss 'xcor' is not a loss", Error);
  Setup s;
  CHECK_THROWS_WITH_AS(s.make({{"x", "xcorr", {"private"}}, {"x", "xcov", {"private"}}}),
                       "objective: two terms are named 'x'", Error);
}

TEST_CASE("objective: every preset can be resolved") {
  for (const char* scheme : {"query-banks", "typed-slots", "shared-private", "modality-moe"})
    for (const TermConfig& t : preset(scheme)) CHECK_NOTHROW(resolve(t, find_loss(t.loss), names));
}
