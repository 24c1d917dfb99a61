// Generation by flow matching: tokens and pictures, the flow, what a term on generation trains, and its sampler.
#include <doctest/doctest.h>

#include <cmath>
#include <numbers>

#include "app/config.h"
#include "app/emoji_source.h"
#include "app/generation.h"
#include "core/error.h"
#include "core/rng.h"
#include "models/generation/flow_sampling.h"
#include "models/generation/generated_tokens.h"
#include "models/generation/noise.h"
#include "models/model.h"
#include "models/objective/presets.h"
#include "optim/optimizer.h"

using namespace triptych;

namespace {

Tensor normals(Shape shape, std::uint64_t stream, DType dtype = DType::f32) {
  Rng rng(11, stream);
  return normal_noise(shape, dtype, rng);
}

// The same for every step.
FlowNoise noise_of(const Tensor& x) {
  return [x](int) { return x; };
}

// Two modalities of features, `a` with tokens, and a generator of each.
ModelConfig small_model(std::int64_t tokens) {
  ModelConfig c;
  c.modalities = {{.name = "a", .tokens = tokens, .width = 3}, {.name = "b", .tokens = 1, .width = 4}};
  c.width = 8;
  c.private_width = c.shared_width = 4;
  c.bridge = {0, 0};
  c.generator = {.width = 8, .layers = 1, .heads = 2, .samples = 0};
  set_variant("generative", c);
  c.objective = variant_objective("generative", c, 2);
  return c;
}

// With no other term, and codes without noise.
ModelConfig generating_a_alone() {
  ModelConfig c = small_model(1);
  c.code = "linear";
  c.objective.resize(1);
  c.objective[0].on = {"generation.a"};
  return c;
}

double term(const Model& model, const Batch& batch, std::string_view name) {
  Tape tape(cpu_kernels());
  Context c(tape, model.parameters());
  c.begin(true, 3, 5);
  for (const LossTerm& t : model.objective(c, batch, 1).terms)
    if (t.name == name) return t.value.value().item();
  return std::nan("");
}

std::string refusal(ModelConfig c) {
  try {
    make_model(c, DType::f32, 1);
  } catch (const Error& e) {
    CHECK(e.exit == Exit::usage);
    return e.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("generation: pictures become pixels and pictures again, the rows asked for") {
  const ModalitySpec spec{.name = "p", .kind = ModalityKind::image, .height = 8, .breadth = 16, .channels = 3};
  CHECK(token_grid(spec).tokens == 128);
  CHECK(token_grid(spec).width == 3);
  Tensor ink({2, 8, 16, 3}, DType::f32);
  Rng rng(1);
  for (std::int64_t i = 0; i < ink.size(); ++i) ink.set(i, rng.uniform());
  const std::int32_t rows[] = {1, 0};
  const Tensor tokens = generated_tokens(spec, {ink, {}, {}}, rows), back = pictures_of(spec, tokens);
  CHECK(tokens.at((5 * 16 + 6) * 3 + 2) == doctest::Approx(2 * ink.at(((8 + 5) * 16 + 6) * 3 + 2) - 1));
  for (std::int64_t i = 0; i < 8 * 16 * 3; ++i)
    REQUIRE(back.at(i) == doctest::Approx(ink.at(8 * 16 * 3 + i)).epsilon(1e-6));
  CHECK(pictures_of(spec, Tensor::full({1, 128, 3}, DType::f32, 3)).at(0) == 1);  // ink beyond 1 is 1
  CHECK(token_grid({.name = "t", .kind = ModalityKind::ngrams, .buckets = 9}).tokens == 0);
}

TEST_CASE("generation: at t = 0 the velocity leads to the draft of the codes, whatever the noise and the net") {
  const auto model = make_model(small_model(1), DType::f64, 1);
  for (Parameter& p : model->parameters())
    if (p.name.ends_with(".generate.out.weight")) p.value = normals(p.value.shape(), 40, DType::f64);
  const Tensor code = normals({5, 4}, 8, DType::f64);
  const FlowSampling one{FlowSampling::Solver::euler, 1};  // of length 1, from t = 0: x - x + draft
  const Tensor a = model->generate(0, noise_of(normals({5, 1, 3}, 7, DType::f64)), code, code, {}, one),
               b = model->generate(0, noise_of(normals({5, 1, 3}, 9, DType::f64)), code, code, {}, one);
  for (std::int64_t i = 0; i < a.size(); ++i) CHECK(a.at(i) == doctest::Approx(b.at(i)).epsilon(1e-12));
}

TEST_CASE("generation: a net that says 0 has the velocity of standard normal data") {
  const auto model = make_model(small_model(1), DType::f64, 1);
  for (Parameter& p : model->parameters())
    if (p.name.find(".generate.draft.down") != std::string::npos) p.value = Tensor::zeros(p.value.shape(), DType::f64);
  const Tensor x = normals({5, 1, 3}, 7, DType::f64), code = normals({5, 4}, 8, DType::f64);
  // Along dx/dt = (2 t - 1) / (t^2 + (1 - t)^2) x the scale is sqrt(t^2 + (1 - t)^2): 1 at both ends.
  const Tensor end = model->generate(0, noise_of(x), code, code, {}, {FlowSampling::Solver::heun, 400});
  for (std::int64_t i = 0; i < x.size(); ++i) CHECK(end.at(i) == doctest::Approx(x.at(i)).epsilon(1e-2));
}

TEST_CASE("generation: a U-Net gives back pictures of its codes") {
  // Two kinds of pictures, a dark upper or a dark left half, told by one number that both modalities share.
  ModelConfig config = small_model(1);
  config.modalities[0] = {.name = "p", .kind = ModalityKind::image, .height = 16, .breadth = 16, .channels = 3};
  config.width = 16;
  config.encoder = "none";
  config.generator = {.width = 16, .layers = 2, .heads = 1, .samples = 0};
  const auto model = make_model(config, DType::f32, 1);
  const auto batch_of = [](std::int64_t n, std::uint64_t stream) {
    Batch b;
    b.modalities = {{Tensor({n, 16, 16, 3}, DType::f32), {}, {}}, {Tensor({n, 1, 4}, DType::f32), {}, {}}};
    Rng rng(5, stream);
    for (std::int64_t i = 0; i < n; ++i) {
      const bool left = rng.uniform() < 0.5;
      for (std::int64_t j = 0; j < 4; ++j) b.modalities[1].values.set(4 * i + j, left ? 1 : -1);
      for (std::int64_t k = 0; k < 256; ++k)
        for (std::int64_t j = 0; j < 3; ++j)
          b.modalities[0].values.set((i * 256 + k) * 3 + j, left ? k % 16 < 8 : k < 128);
    }
    return b;
  };
  const auto optimizer = make_optimizer({.weight_decay = 0}, cpu_kernels(), model->parameters());
  Tape tape(cpu_kernels());
  Context c(tape, model->parameters());
  constexpr int steps = 150;
  for (int s = 0; s < steps; ++s) {
    c.begin(true, 1, s);
    const LossTerms terms = model->objective(c, batch_of(16, 100 + static_cast<std::uint64_t>(s)), 1);
    Gradients g;
    tape.gradients(terms.total, c.parameters(), g);
    optimizer->step(1e-2 * (1 - s / static_cast<double>(steps)), g.tensors());
    model->after_step();
  }
  const Batch held_out = batch_of(16, 1);
  tape.clear();
  c.begin(false);
  const Factors f = model->factors(c, held_out);
  const Tensor made = model->generate(0, noise_of(normals({16, 256, 3}, 2)), f.shared_codes[1].value(),
                                      f.private_codes[0].value(), {}, {FlowSampling::Solver::heun, 8});
  // Of the means over quarters of a picture; the grain of so short a training is left aside.
  double error = 0, of_pixels = 0;
  for (std::int64_t i = 0; i < made.size(); ++i)
    of_pixels +=
        std::pow(made.at(i) - (2 * held_out.modalities[0].values.at(i) - 1), 2) / static_cast<double>(made.size());
  CHECK(of_pixels < 0.7);  // of variance 1: the draft alone leaves the noise as it is, 1
  for (std::int64_t i = 0; i < 16; ++i)
    for (const int quarter : {0, 1, 2, 3}) {
      double drawn = 0, real = 0;
      for (std::int64_t k = 0; k < 64; ++k) {
        const std::int64_t pixel = (k / 8 + quarter / 2 * 8) * 16 + k % 8 + quarter % 2 * 8;
        drawn += made.at((i * 256 + pixel) * 3) / 64;
        real += (2 * held_out.modalities[0].values.at((i * 256 + pixel) * 3) - 1) / 64;
      }
      error += std::pow(drawn - real, 2) / 64;
    }
  CHECK(error < 0.05);  // of variance 1
}

TEST_CASE("flow: euler is of first order and heun of second; both are exact on straight paths") {
  const auto growth = [](const Tensor& x, double) { return x; };  // dx/dt = x: e at t = 1
  const auto error = [&](FlowSampling::Solver solver, int steps) {
    return std::exp(1.0) - follow_flow(noise_of(Tensor::scalar(1, DType::f64)), growth, {solver, steps}).item();
  };
  using Solver = FlowSampling::Solver;
  CHECK(error(Solver::euler, 64) / error(Solver::euler, 128) == doctest::Approx(2).epsilon(0.02));
  CHECK(error(Solver::heun, 64) / error(Solver::heun, 128) == doctest::Approx(4).epsilon(0.02));
  const auto straight = [](const Tensor& x, double) { return Tensor::full(x.shape(), x.dtype(), 3); };
  for (const Solver solver : {Solver::euler, Solver::heun})
    CHECK(follow_flow(noise_of(Tensor::scalar(1, DType::f64)), straight, {solver, 5}).item() == doctest::Approx(4));
  // A net that names the data, x^ = 2, ends there, whatever the noise was.
  const auto ideal = [](const Tensor& x, double t) {
    return Tensor::scalar((2 - x.item()) / std::max(1 - t, 1e-3), DType::f64);
  };
  for (const Solver solver : {Solver::euler, Solver::heun})
    for (const int steps : {1, 10, 20, 200})
      CHECK(follow_flow(noise_of(Tensor::scalar(-5, DType::f64)), ideal, {solver, steps}).item() ==
            doctest::Approx(2).epsilon(1e-12));
  CHECK_THROWS_AS(follow_flow(noise_of(Tensor::scalar(1, DType::f64)), straight, {Solver::euler, 0}), Error);
}

TEST_CASE("flow: ancestral steps end on the distribution of the data, and their noise matters") {
  // Data N(1, 0.5^2): v(x, t) = E[x_1 - x_0 | x_t = x] is known.
  const auto exact = [](const Tensor& x, double t) {
    const double gain = (0.25 * t - (1 - t)) / (0.25 * t * t + (1 - t) * (1 - t));
    Tensor v(x.shape(), x.dtype());
    for (std::int64_t i = 0; i < x.size(); ++i) v.set(i, 1 + gain * (x.at(i) - t));
    return v;
  };
  constexpr std::int64_t n = 20000;
  const auto fresh = [](int k) { return normals({n}, 500 + static_cast<std::uint64_t>(k), DType::f64); };
  const auto frozen = [&](int k) { return k == 0 ? fresh(0) : Tensor::zeros({n}, DType::f64); };
  const auto moments = [&](const FlowNoise& noise) {
    const Tensor x = follow_flow(noise, exact, {FlowSampling::Solver::ancestral, 100});
    double sum = 0, squares = 0;
    for (std::int64_t i = 0; i < n; ++i) sum += x.at(i) / n, squares += x.at(i) * x.at(i) / n;
    return std::pair{sum, std::sqrt(squares - sum * sum)};
  };
  const auto [mean, deviation] = moments(fresh);
  CHECK(mean == doctest::Approx(1).epsilon(0.01));
  CHECK(deviation == doctest::Approx(0.5).epsilon(0.03));
  CHECK(moments(frozen).second < 0.3);

  // Three steps of v = 1, the noises 2, 4 and 8: x = 2; 2 (at t = 0 the noise is drawn anew); then t = 1/3 keeps 1/4 of
  // it.
  const auto one = [](const Tensor& x, double) { return Tensor::full(x.shape(), x.dtype(), 1); };
  const auto doubled = [](int k) { return Tensor::scalar(std::pow(2.0, k + 1), DType::f64); };
  const double first = 3.0 / 3 + 2.0 / 3 * 4;  // d = 2 + 1
  const double data = first + 2.0 / 3, noise = first - 1.0 / 3;
  const double second = 2.0 / 3 * data + 1.0 / 3 * (noise / 4 + std::sqrt(15.0 / 16) * 8);
  CHECK(follow_flow(doubled, one, {FlowSampling::Solver::ancestral, 3}).item() ==
        doctest::Approx(second + 1.0 / 3).epsilon(1e-12));
}

TEST_CASE("generation: guidance goes that many times as far from what no codes give") {
  ModelConfig config = small_model(1);
  const Tensor x = normals({5, 1, 3}, 7, DType::f64), code = normals({5, 4}, 8, DType::f64);
  const auto model = make_model(config, DType::f64, 1);
  const auto guided = [&](std::optional<double> g) {  // one step
    return model->generate(0, noise_of(x), code, code, {}, {FlowSampling::Solver::euler, 1, g});
  };
  const Tensor none = guided(0), plain = guided(1), far = guided(3), usual = guided({});
  for (std::int64_t i = 0; i < x.size(); ++i) {
    CHECK(far.at(i) == doctest::Approx(none.at(i) + 3 * (plain.at(i) - none.at(i))).epsilon(1e-10));
    CHECK(usual.at(i) ==
          doctest::Approx(none.at(i) + config.generator.usual_guidance(false) * (plain.at(i) - none.at(i)))
              .epsilon(1e-10));
    CHECK(plain.at(i) != doctest::Approx(none.at(i)).epsilon(1e-3));
  }

  CHECK(config.generator.usual_guidance(true) == 2);  // of pictures
  config.generator.hide = 0;                          // never trained without codes
  const auto told = make_model(config, DType::f64, 1);
  const FlowSampling twice{FlowSampling::Solver::euler, 1, 2.0}, as_trained{FlowSampling::Solver::euler, 1};
  CHECK_THROWS_WITH_AS(told->generate(0, noise_of(x), code, code, {}, twice),
                       doctest::Contains("never went without codes"), Error);
  const Tensor same = told->generate(0, noise_of(x), code, code, {}, as_trained);
  for (std::int64_t i = 0; i < x.size(); ++i) CHECK(same.at(i) == doctest::Approx(plain.at(i)).epsilon(1e-12));
}

TEST_CASE("generation: training hides the codes of some samples from the generator, and learns nothing for them") {
  Batch batch;
  batch.modalities = {{normals({1, 1, 3}, 1, DType::f64), {}, {}}, {normals({1, 1, 4}, 2, DType::f64), {}, {}}};
  const auto hidden = [&](double hide) {  // in 200 steps of one sample
    ModelConfig config = generating_a_alone();
    config.generator.hide = hide;
    const auto model = make_model(config, DType::f64, 1);
    Tape tape(cpu_kernels());
    Context c(tape, model->parameters());
    int count = 0;
    for (int step = 0; step < 200; ++step) {
      c.begin(true, 3, step);
      Gradients g;
      tape.gradients(model->objective(c, batch, 1).total, c.parameters(), g);
      bool reached = false;  // the encoders and the scheme
      for (std::size_t i = 0; i < c.parameters().size(); ++i) {
        if (model->parameters()[i].name.find(".generate.") != std::string::npos) continue;
        const Tensor& of = g.tensors()[i];
        for (std::int64_t k = 0; of && k < of.size(); ++k) reached = reached || of.at(k) != 0;
      }
      count += reached ? 0 : 1;
    }
    return count;
  };
  CHECK(hidden(0) == 0);
  const int some = hidden(0.3);
  CHECK(some > 40);
  CHECK(some < 80);
}

TEST_CASE("generation: the times that training asks at are those of the config") {
  // Data of 0 and a net that says 0, v = (2 t - 1) / N x_t: the loss is E ((2 t - 1) (1 - t) / N + 1)^2 over the times.
  const auto cost = [](FlowTimes times) {
    ModelConfig config = generating_a_alone();
    config.generator.times = times;
    const auto model = make_model(config, DType::f64, 1);
    for (Parameter& p : model->parameters())
      if (p.name.find(".generate.draft.down") != std::string::npos)
        p.value = Tensor::zeros(p.value.shape(), DType::f64);
    Batch batch;
    batch.modalities = {{Tensor::zeros({4000, 1, 3}, DType::f64), {}, {}},
                        {normals({4000, 1, 4}, 2, DType::f64), {}, {}}};
    return term(*model, batch, "generate");
  };
  CHECK(cost(FlowTimes::uniform) == doctest::Approx(std::numbers::pi / 4).epsilon(0.03));
  CHECK(cost(FlowTimes::logit_normal) == doctest::Approx(0.643).epsilon(0.03));
}

TEST_CASE("generation: padding and samples without the modality change nothing") {
  const ModelConfig config = small_model(3);
  const auto model = make_model(config, DType::f64, 1);
  for (Parameter& p : model->parameters())
    if (p.name.ends_with(".generate.out.weight")) p.value = normals(p.value.shape(), 40, DType::f64);
  Batch batch;
  batch.modalities = {{normals({4, 3, 3}, 1, DType::f64), {}, {}}, {normals({4, 1, 4}, 2, DType::f64), {}, {}}};
  Tensor mask = Tensor::full({4, 3}, DType::f64, 1);
  for (const std::int64_t off : {2, 6, 7, 8}) mask.set(off, 0);  // padding in sample 0; sample 2 lacks `a`
  batch.modalities[0].mask = mask;
  const double value = term(*model, batch, "generate");
  for (const std::int64_t off : {2, 6, 7, 8})
    for (int j = 0; j < 3; ++j) batch.modalities[0].values.set(off * 3 + j, 1e3);
  CHECK(term(*model, batch, "generate") == doctest::Approx(value).epsilon(1e-12));
  batch.modalities[0].values.set(0, 5);  // a real one
  CHECK(term(*model, batch, "generate") != doctest::Approx(value).epsilon(1e-3));
}

TEST_CASE("generation: a trained flow gives back the samples of its codes, and swapped private codes their donors'") {
  // a = [u, u + w, w], b = (u, u, -u, 2 u): u is shared, w is a's own. Two numbers a sample.
  ModelConfig config = small_model(1);
  config.width = 32;
  config.generator = {.width = 32, .layers = 2, .heads = 2, .samples = 0};
  config.encoder = "none";
  config.objective[1].weight = config.objective[1].weight_end = 0.3;
  config.private_width = 1;  // with room for more it holds u as well
  const auto model = make_model(config, DType::f32, 1);
  const auto batch_of = [](std::int64_t n, std::uint64_t stream) {
    const Tensor z = normals({n, 2}, stream);
    Batch b;
    b.modalities = {{Tensor({n, 1, 3}, DType::f32), {}, {}}, {Tensor({n, 1, 4}, DType::f32), {}, {}}};
    for (std::int64_t i = 0; i < n; ++i) {
      const double u = z.at(2 * i), w = z.at(2 * i + 1), a[] = {u, u + w, w}, of[] = {u, u, -u, 2 * u};
      for (int j = 0; j < 3; ++j) b.modalities[0].values.set(3 * i + j, a[j]);
      for (int j = 0; j < 4; ++j) b.modalities[1].values.set(4 * i + j, of[j]);
    }
    return b;
  };
  const auto optimizer = make_optimizer({.weight_decay = 0}, cpu_kernels(), model->parameters());
  Tape tape(cpu_kernels());
  Context c(tape, model->parameters());
  constexpr int steps = 800;
  double first = 0, last = 0;
  for (int s = 0; s < steps; ++s) {
    c.begin(true, 1, s);
    const LossTerms terms = model->objective(c, batch_of(128, 100 + static_cast<std::uint64_t>(s)), 1);
    Gradients g;
    tape.gradients(terms.total, c.parameters(), g);
    optimizer->step(5e-3 * (1 - s / static_cast<double>(steps)), g.tensors());
    model->after_step();
    (s < 20 ? first : last) += s < 20 || s >= steps - 20 ? terms.terms[0].value.value().item() / 20 : 0;
  }
  CHECK(last < 0.7 * first);

  const Batch held_out = batch_of(60, 1);
  tape.clear();
  c.begin(false);
  const Factors f = model->factors(c, held_out);
  const Tensor joint = f.shared_codes[1].value(), own = f.private_codes[0].value();
  Tensor turned(own.shape(), own.dtype());  // sample i gets the private code of i + 1
  for (std::int64_t i = 0; i < own.size(); ++i) turned.set(i, own.at((i + 1) % own.size()));
  const Tensor noise = normals({60, 1, 3}, 2);
  const FlowSampling how{FlowSampling::Solver::heun, 8};
  const Tensor same = model->generate(0, noise_of(noise), joint, own, {}, how),
               swapped = model->generate(0, noise_of(noise), joint, turned, {}, how);
  const Tensor& real = held_out.modalities[0].values;
  double error = 0, shared_error = 0, own_error = 0, spread = 0;
  for (std::int64_t i = 0; i < 60; ++i) {
    for (int j = 0; j < 3; ++j) error += std::pow(same.at(3 * i + j) - real.at(3 * i + j), 2) / 4;
    shared_error += std::pow(swapped.at(3 * i) - real.at(3 * i), 2);
    own_error += std::pow(swapped.at(3 * i + 2) - real.at((3 * i + 5) % 180), 2);
    spread += std::pow(real.at(3 * i), 2);
  }
  CHECK(error / spread < 0.25);
  CHECK(shared_error / spread < 0.5);
  CHECK(own_error / spread < 0.5);
}

TEST_CASE("generation: some items are drawn as among all, evenly spaced, each with the next one's private code") {
  app::RunConfig run = app::emoji_defaults();
  run.data.buckets = 64;
  const app::EmojiSource data(run.data);
  ModelConfig& config = run.model;
  config.modalities = data.modalities();
  config.width = config.private_width = config.shared_width = 16;
  config.generator = {.width = 16, .layers = 1, .samples = 0};
  set_variant("generative", config);
  config.objective = variant_objective("generative", config, 2);
  const auto model = make_model(config, DType::f32, 1);
  app::GenerateRequest request{.modality = 1, .how = {FlowSampling::Solver::ancestral, 2}};
  REQUIRE(config.modalities[1].kind == ModalityKind::image);
  request.mode = app::GenerateRequest::Mode::reconstruct;
  const app::Generated all = app::generate(*model, data, request);
  request.items = 3;
  const app::Generated some = app::generate(*model, data, request);
  REQUIRE(all.items.size() == 245);
  CHECK(some.items == std::vector<std::int32_t>{all.items[40], all.items[122], all.items[204]});
  const std::int64_t row = 32 * 32 * 3;
  for (std::int64_t i = 0; i < row; ++i)
    REQUIRE(std::abs(some.made[2].at(row + i) - all.made[2].at(122 * row + i)) < 1e-4);
  REQUIRE(some.factors.size() == 1);
  CHECK(some.factors[0].n == 9);
  CHECK(some.factors[0].real > 0.85);
  request.mode = app::GenerateRequest::Mode::swap;
  CHECK(app::generate(*model, data, request).donor == std::vector<std::int32_t>{1, 2, 0});
  request.items = 1;  // would be its own donor
  CHECK(app::generate(*model, data, request).items.size() == 2);
}

TEST_CASE("generation: the likelihood of colours counts a tenth, of pictures alone") {
  ModelConfig c = small_model(1);
  c.width = c.generator.width = 16;
  c.generator.heads = 4;
  c.modalities[0] = {.name = "p", .kind = ModalityKind::image, .height = 8, .breadth = 8, .channels = 3};
  Tensor pictures = normals({6, 8, 8, 3}, 21);
  for (std::int64_t i = 0; i < pictures.size(); ++i) pictures.set(i, std::abs(std::sin(pictures.at(i))));
  Batch batch;
  batch.modalities = {{pictures, {}, {}}, {normals({6, 1, 4}, 22), {}, {}}};
  const auto value = [&](const char* on, std::optional<double> weight) {
    c.objective = variant_objective("generative", c, 2);
    c.objective[0].on = {on};
    if (weight) c.objective[0].settings = {{"palette", *weight}};
    return term(*make_model(c, DType::f32, 1), batch, "generate");
  };
  const double none = value("generation.p", 0.0), one = value("generation.p", 1.0);
  CHECK(one > none + 0.1);
  CHECK(value("generation.p", {}) == doctest::Approx(none + 0.1 * (one - none)).epsilon(1e-6));
  // Feature tokens (b) have no palette, and keep nothing from acting.
  CHECK(value("generation.b", 0.0) == value("generation.b", 1.0));
  CHECK(value("generation", 1.0) > value("generation", 0.0) + 0.1);
}

TEST_CASE("generation: what cannot be is refused") {
  ModelConfig c = small_model(1);
  c.objective = {{"g", "mse", {"generation"}}};
  CHECK(refusal(c) == "objective 'g': on = 'generation' takes the loss flow_matching, got mse");
  c.objective = {{"g", "flow_matching", {"shared"}}};
  CHECK(refusal(c) == "objective 'g': the loss flow_matching does not act on codes");
  c.objective = {{"g", "flow_matching", {"generation.c"}}};
  CHECK(refusal(c).starts_with("objective 'g': "));
  c.objective = {{"p", "kl_gaussian", {"shared"}}};
  CHECK(refusal(c) == "objective 'p': shared codes have no distribution");
  c.objective = {{"p", "kl_gaussian", {"private"}}};
  c.code = "linear";
  CHECK(refusal(c) == "objective 'p': kl_gaussian acts on codes with a variance");
  c = small_model(1);
  c.generator.heads = 3;
  CHECK(refusal(c) == "generator.heads = 3 must divide generator.width = 8");
  c.generator = {.width = 12, .layers = 1};
  c.modalities[0] = {.name = "p", .kind = ModalityKind::image, .height = 8, .breadth = 8, .channels = 3};
  CHECK(refusal(c) ==
        "modality 'p': generator.width = 12 must be a multiple of 4 and at least 16 to generate pictures");
  c.generator.width = 16;
  c.modalities[0].breadth = 12;
  CHECK(refusal(c) == "modality 'p': pictures of 8 x 12 cannot be generated: sides must be multiples of 8");
  c = small_model(1);
  c.generator.hide = 1;
  CHECK(refusal(c) == "generator.hide = 1.000000 must be in [0, 1)");
  c = small_model(1);
  c.modalities = {{.name = "t", .kind = ModalityKind::ngrams, .buckets = 8}};
  c.objective = {{"g", "flow_matching", {"generation"}}};
  CHECK(refusal(c) ==
        "objective 'g': no modality of 'generation' can be generated: n-grams say nothing of their order");
  c = small_model(1);
  c.objective = {{"align", "clip", {"shared"}}};
  const auto model = make_model(c, DType::f32, 1);
  CHECK_THROWS_AS(model->generate(0, noise_of(normals({2, 1, 3}, 1)), normals({2, 4}, 2), normals({2, 4}, 3), {}, {}),
                  Error);
}
