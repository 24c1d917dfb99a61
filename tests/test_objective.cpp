// Objectives as lists of terms: which codes a term acts on, its weight over training, views, and missing modalities.
#include <doctest/doctest.h>

#include <memory>

#include "core/error.h"
#include "core/rng.h"
#include "losses/clip.h"
#include "losses/dcca.h"
#include "losses/kl_gaussian.h"
#include "losses/mse.h"
#include "losses/variance_hinge.h"
#include "losses/xcorr.h"
#include "models/objective/objective.h"
#include "models/objective/presets.h"
#include "ops/concat.h"
#include "ops/cross_entropy.h"
#include "ops/gather.h"
#include "ops/linear.h"
#include "ops/masked_mean.h"
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

  Objective::Sizes sizes{{{.name = "text"}, {.name = "image"}, {.name = "sound"}}, {4, 4, 4}, 3, 3, 0.5};

  std::unique_ptr<const Objective> make(const std::vector<TermConfig>& terms) {
    const Init init(parameters, DType::f64, 1);
    auto o = std::make_unique<const Objective>(init, terms, sizes, nullptr);
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
  const auto o = s.make({{"d", "xcorr", {"private-shared", "private"}, 2, 2}, {"v", "variance_hinge", {"shared"}}});
  double expected = 0;
  for (std::size_t a = 0; a < 3; ++a) {
    expected += 2 * xcorr(s.f.private_codes[a], s.f.shared_codes[a]).value().item();
    expected += variance_hinge(s.f.shared_codes[a]).value().item();
    for (std::size_t b = a + 1; b < 3; ++b)
      expected += 2 * xcorr(s.f.private_codes[a], s.f.private_codes[b]).value().item();
  }
  CHECK(s.value(*o) == doctest::Approx(expected).epsilon(1e-14));
}

TEST_CASE("objective: named codes, and a pair of them") {
  Setup s;
  const auto o =
      s.make({{"pair", "xcorr", {"private.text", "shared.sound"}}, {"one", "variance_hinge", {"private.image"}}});
  CHECK(s.value(*o) == doctest::Approx(xcorr(s.f.private_codes[0], s.f.shared_codes[2]).value().item() +
                                       variance_hinge(s.f.private_codes[1]).value().item())
                           .epsilon(1e-14));
}

TEST_CASE(
    "objective: what generates reads another view's joint code, or the other modalities', and its own private one") {
  for (const std::int64_t views : {2, 1}) {
    Setup s;
    s.sizes.modalities[0] = {.name = "text", .tokens = 2, .width = 4};
    s.sizes.generator = {.width = 8, .layers = 1, .heads = 1, .samples = 0, .hide = 0};
    const auto o = s.make({{"g", "flow_matching", {"generation.text"}}});
    s.f.joint = s.tape.variable(drawn({6, 3}, 30));
    const ModalityBatch batch[] = {{drawn({6, 2, 4}, 31), {}, {}}, {}, {}};
    const LossTerms t = o->evaluate(s.c, {s.f, s.encoded, views, 1, 1, {}, batch});
    Vars of = s.f.shared_codes;
    of.push_back(s.f.joint);
    of.push_back(s.f.private_codes[0]);
    of.push_back(s.f.private_codes[1]);
    const Gradients g = s.tape.gradients(t.total, of);
    const auto reached = [&](const Var& code, std::int64_t row) {
      double sum = 0;
      for (std::int64_t j = 0; g[code] && j < 3; ++j) sum += std::abs(g[code].at(3 * row + j));
      return sum > 0;
    };
    for (std::int64_t row = 0; row < 6; ++row) {
      CHECK(reached(s.f.joint, row) == (views == 2 && row >= 3));
      CHECK(reached(s.f.private_codes[0], row) == (views == 1 || row < 3));
      CHECK_FALSE(reached(s.f.private_codes[1], row));
      CHECK_FALSE(reached(s.f.shared_codes[0], row));
      for (const std::size_t other : {1, 2}) CHECK(reached(s.f.shared_codes[other], row) == (views == 1));
    }
    CHECK_THROWS_AS(o->evaluate(s.c, {s.f, s.encoded, views}), Error);  // no data to generate
  }
}

TEST_CASE("objective: a term says that no sample has what it is to generate") {
  Setup s;
  s.sizes.modalities[0] = {.name = "text", .tokens = 2, .width = 4};
  s.sizes.generator = {.width = 8, .layers = 1, .heads = 1};
  const auto o = s.make({{"g", "flow_matching", {"generation.text"}}});
  const Tensor none = Tensor::zeros({6, 2}, DType::f64);
  const ModalityBatch batch[] = {{drawn({6, 2, 4}, 31), {}, none}, {}, {}};
  s.encoded[0].h.mask = s.tape.constant(none);
  const LossTerms t = o->evaluate(s.c, {s.f, s.encoded, 1, 1, 1, {}, batch});
  CHECK(t.terms.empty());
  REQUIRE(t.short_of_samples.size() == 1);
  CHECK(t.short_of_samples[0] == "g");
}

TEST_CASE("objective: contrastive terms compare views one by one, statistics take them stacked") {
  Setup s;
  const auto o = s.make({{"align", "clip", {"shared"}}, {"views", "clip", {"views.shared"}, 3, 3}});
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
  CHECK(s.value(*o, 2) == doctest::Approx(expected).epsilon(1e-13));
  CHECK(s.value(*o, 1) != doctest::Approx(expected));
}

TEST_CASE("objective: samples that lack a modality are left out of the terms that need it") {
  Setup s;
  const auto o =
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
  CHECK(s.value(*o) == doctest::Approx(expected).epsilon(1e-14));
  for (std::int64_t i = 0; i < 10; ++i) mask.set(i, 0);  // one sample left: nothing to compare
  CHECK(s.value(*o) == 0);
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
  const auto o =
      s.make({{"align", "clip", {"shared"}, 1, 1, WeightSchedule::gate}, {"v", "variance_hinge", {"private"}}});
  const LossTerms t = o->evaluate(s.c, {s.f, s.encoded, 1, 0.1, 0});
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
        std::string("objective 'x': on = 'reconstruction' takes the losses mse and gaussian_nll, got clip"));
  CHECK(refusal({"x", "clip", {"task"}}, hint) ==
        std::string("objective 'x': on = 'task' takes the losses cross_entropy and mse, got clip"));
  CHECK(refusal({"x", "cross_entropy", {"joint"}}, hint) ==
        std::string("objective 'x': the loss cross_entropy does not act on codes"));
  CHECK(hint == "on = \"task\"");
  CHECK(refusal({"x", "clip", {"routing"}}, hint) ==
        std::string("objective 'x': on = 'routing' takes losses with an input 'gates', clip has none"));
  CHECK(refusal({"x", "xcorr", {}}, hint) == std::string("objective 'x': needs the codes it acts on: on = \"shared\""));
  CHECK_THROWS_WITH_AS(find_loss("xcor"), "objective: loss 'xcor' is not a loss", Error);
  Setup s;
  CHECK_THROWS_WITH_AS(s.make({{"x", "xcorr", {"private"}}, {"x", "xcov", {"private"}}}),
                       "objective: two terms are named 'x'", Error);
  CHECK_THROWS_WITH_AS(s.make({{"x", "cross_entropy", {"task"}}}), "objective 'x': on = 'task' needs labels", Error);
  CHECK_THROWS_WITH_AS(s.make({{"x", "kl_gaussian", {"shared"}}}),
                       "objective 'x': kl_gaussian acts on codes with a variance", Error);
  CHECK_THROWS_WITH_AS(head_codes({"privat.text"}, names), "model.head = 'privat.text' is not a code", Error);
}

TEST_CASE("objective: a term without enough complete samples for its loss is left out and named") {
  Setup s;
  const auto o = s.make({{"cca", "dcca", {"shared"}}, {"v", "variance_hinge", {"private.text"}}});
  Tensor mask = Tensor::full({6, 2}, DType::f64, 1);
  for (std::int64_t i = 0; i < 6; ++i) mask.set(i, 0);  // three samples have text: dcca of three columns needs four
  s.encoded[0].h.mask = s.tape.constant(mask);
  const LossTerms t = o->evaluate(s.c, {s.f, s.encoded});
  REQUIRE(t.terms.size() == 2);  // image and sound are complete
  CHECK(t.terms[0].value.value().item() == dcca(s.f.shared_codes[1], s.f.shared_codes[2]).value.value().item());
  REQUIRE(t.short_of_samples.size() == 1);
  CHECK(t.short_of_samples[0] == "cca");
}

TEST_CASE("objective: kl_gaussian sees the distribution of the codes") {
  Setup s;
  s.sizes.gaussian_private = s.sizes.gaussian_shared = true;
  const auto o = s.make({{"prior", "kl_gaussian", {"shared"}, 0.5, 0.5}});
  double expected = 0;
  for (std::size_t m = 0; m < 3; ++m) {
    const Var mean = s.tape.variable(drawn({6, 3}, 30 + m)), logvar = s.tape.variable(drawn({6, 3}, 40 + m));
    s.f.shared_gaussian.push_back({mean, logvar});
    s.f.private_gaussian.push_back({});
    expected += 0.5 * kl_gaussian(mean, logvar).value().item();
  }
  CHECK(s.value(*o) == doctest::Approx(expected).epsilon(1e-14));
}

TEST_CASE("objective: cross- and shared-reconstruction decode every modality from every shared code, mean over these") {
  for (const bool with_private : {true, false}) {
    Setup s;
    const auto o = s.make({{"r", "mse", {with_private ? "cross-reconstruction" : "shared-reconstruction"}}});
    double expected = 0;
    for (std::size_t m = 0; m < 3; ++m) {
      const Var weight = s.c.parameters()[2 * m], bias = s.c.parameters()[2 * m + 1];
      const Var target = masked_mean(s.encoded[m].target, Var{});
      for (std::size_t a = 0; a < 3; ++a) {
        const Var both[] = {s.f.private_codes[m], s.f.shared_codes[a]};
        const Var decoded = linear(with_private ? concat(both, 1) : s.f.shared_codes[a], weight, bias);
        expected += mse(decoded, target).value().item() / 3;
      }
    }
    CHECK(s.value(*o) == doctest::Approx(expected).epsilon(1e-13));
  }
}

TEST_CASE("objective: the task head reads the codes named, of the samples that have them") {
  Setup s;
  s.sizes.outputs = 2;
  s.sizes.head = {"private.text", "joint"};
  const auto o = s.make({{"task", "cross_entropy", {"task"}}});
  s.f.joint = s.tape.variable(drawn({6, 3}, 50));
  CHECK(o->wanted().joint);
  const std::int32_t classes[] = {0, 1, 1, 0, 1, 0};
  const Tensor labels = Tensor::from({6}, std::span<const std::int32_t>(classes));
  const Var codes[] = {s.f.private_codes[0], s.f.joint};
  const auto at = [&](const char* name) {
    for (std::size_t i = 0; i < s.parameters.size(); ++i)
      if (s.parameters[i].name == name) return s.c.parameters()[i];
    return Var{};
  };
  const Var logits = linear(concat(codes, 1), at("task.weight"), at("task.bias"));
  CHECK(same_bits(o->predict(s.c, s.f).value(), logits.value()));
  const auto value = [&](const Tensor& of) {
    return o->evaluate(s.c, {s.f, s.encoded, 1, 1, 1, of}).total.value().item();
  };
  CHECK(value(labels) == cross_entropy(logits, s.tape.constant(labels)).value().item());
  CHECK_THROWS_WITH_AS(value(drawn({6, 2}, 51)),
                       "objective 'task': cross_entropy takes classes, the labels are real numbers", Error);
  Tensor mask = Tensor::full({6, 2}, DType::f64, 1);
  mask.set(2, 0), mask.set(3, 0);  // the second sample has no text
  s.encoded[0].h.mask = s.tape.constant(mask);
  Tensor index({5}, DType::i32), left({5}, DType::i32);
  for (int i = 0; const int row : {0, 2, 3, 4, 5}) index.set(i, row), left.set(i++, classes[row]);
  CHECK(value(labels) ==
        doctest::Approx(cross_entropy(gather(logits, s.tape.constant(index)), s.tape.constant(left)).value().item()));
}

TEST_CASE("objective: every preset can be resolved") {
  for (const char* scheme : {"query-banks", "typed-slots", "shared-private", "modality-moe"})
    for (const TermConfig& t : preset(scheme)) CHECK_NOTHROW(resolve(t, find_loss(t.loss), names));
  for (const std::string& variant : variants())
    for (const TermConfig& t : variant_objective(variant, {}, 3)) CHECK_NOTHROW(resolve(t, find_loss(t.loss), names));
  CHECK_THROWS_WITH_AS(variant_objective("mis", {}, 2), "model.preset = 'mis' is not a preset", Error);
}
