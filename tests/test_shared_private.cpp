// What must hold of the shared-private scheme whatever it has learned.
#include <doctest/doctest.h>

#include "core/error.h"
#include "core/rng.h"
#include "losses/mse.h"
#include "models/checks.h"
#include "models/model.h"
#include "models/shared_private/shared_private.h"
#include "ops/concat.h"
#include "ops/linear.h"

using namespace triptych;

namespace {

Tensor drawn(Shape shape, DType dtype, std::uint64_t stream) {
  Tensor t(shape, dtype);
  Rng rng(5, stream);
  for (std::int64_t i = 0; i < t.size(); ++i) t.set(i, rng.normal());
  return t;
}

ModelConfig config_of(int modalities) {
  ModelConfig c;
  c.width = 8;
  c.private_width = 5;
  c.shared_width = 4;
  c.bridge = {0, 0};
  for (int m = 0; m < modalities; ++m)
    c.modalities.push_back({.name = "m" + std::to_string(m), .tokens = 3 + m, .width = 6});
  return c;
}

Batch batch_of(int modalities, std::int64_t n, DType dtype) {
  Batch b;
  for (int m = 0; m < modalities; ++m)
    b.modalities.push_back({drawn({n, 3 + m, 6}, dtype, static_cast<std::uint64_t>(m)), {}, {}});
  return b;
}

// The first `real` tokens of every sample, the rest of (n, tokens, d) filled with something large.
ModalityBatch padded(const Tensor& x, std::int64_t tokens) {
  const std::int64_t n = x.shape()[0], real = x.shape()[1], d = x.shape()[2];
  ModalityBatch b{Tensor::full({n, tokens, d}, x.dtype(), 37), {}, Tensor::zeros({n, tokens}, x.dtype())};
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t t = 0; t < real; ++t) {
      b.mask.set(i * tokens + t, 1);
      for (std::int64_t j = 0; j < d; ++j) b.values.set((i * tokens + t) * d + j, x.at((i * real + t) * d + j));
    }
  return b;
}

double largest_difference(const Tensor& a, const Tensor& b) {
  double worst = 0;
  for (std::int64_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a.at(i) - b.at(i)));
  return worst;
}

struct Run {
  double loss;
  std::vector<Tensor> gradients;
};
Run run_objective(const Model& model, const Batch& batch) {
  Tape tape(cpu_kernels());
  Context c(tape, model.parameters());
  c.begin(true);
  const LossTerms o = model.objective(c, batch, 0.5);
  const Gradients g = tape.gradients(o.total, c.parameters());
  return {o.total.value().item(), {g.tensors().begin(), g.tensors().end()}};
}

}  // namespace

TEST_CASE("shared-private: the composed reconstruction is decode(project(h)), and its gradients too") {
  Parameters parameters;
  const Init init(parameters, DType::f64, 3);
  const EncodedWidths widths[] = {{"a", 6, 6, true}, {"b", 6, 6, true}};
  const SharedPrivate scheme(init, widths, 5, 4);
  const Linear decode(init, "a.decode", 5 + 4, 7);
  Tape tape(cpu_kernels());
  Context c(tape, parameters);
  c.begin(true);
  const Var h = tape.variable(drawn({4, 3, 6}, DType::f64, 1));
  const Encoded encoded[] = {{{h, {}}, {h, {}}, {}}, {{h, {}}, {h, {}}, {}}};
  const Factors f = scheme.factors(c, encoded, 1, {.joint = false, .tokens = true});
  const Var both[] = {f.private_tokens[0].x, f.shared_tokens[0].x};
  const auto named = [&](const std::string& name) {
    for (std::size_t i = 0; i < parameters.size(); ++i)
      if (parameters[i].name == name) return c.parameters()[i];
    throw Error(Exit::internal, "test", name);
  };
  const Var plain = linear(concat(both, 2), named("a.decode.weight"), named("a.decode.bias"));
  const Var composed = scheme.decode_tokens(c, 0, h, decode);
  CHECK(largest_difference(plain.value(), composed.value()) < 1e-14);
  const Tensor upstream = drawn(plain.shape(), DType::f64, 9);
  for (const char* name :
       {"a.private.weight", "a.private.bias", "a.shared.weight", "a.shared.bias", "a.decode.weight", "a.decode.bias"}) {
    CAPTURE(name);
    const Var w = named(name);
    CHECK(largest_difference(tape.gradients(plain, {w}, upstream)[w], tape.gradients(composed, {w}, upstream)[w]) <
          1e-12);
  }
  CHECK(largest_difference(tape.gradients(plain, {h}, upstream)[h], tape.gradients(composed, {h}, upstream)[h]) <
        1e-13);
}

TEST_CASE("shared-private: pooled codes are the means of token codes, and padding changes nothing") {
  for (const int modalities : {2, 3, 5}) {
    CAPTURE(modalities);
    const auto model = make_model(config_of(modalities), DType::f64, 2);
    Batch plain = batch_of(modalities, 6, DType::f64), longer = plain;
    for (ModalityBatch& m : longer.modalities) m = padded(m.values, m.values.shape()[1] + 4);
    const Run a = run_objective(*model, plain), b = run_objective(*model, longer);
    CHECK(std::abs(a.loss - b.loss) < 1e-12);
    for (std::size_t i = 0; i < a.gradients.size(); ++i) {
      CAPTURE(model->parameters()[i].name);
      REQUIRE(a.gradients[i]);
      CHECK(largest_difference(a.gradients[i], b.gradients[i]) < 1e-12);
    }
  }
}

TEST_CASE("shared-private: a sample that lacks a modality joins what it has") {
  const auto model = make_model(config_of(2), DType::f64, 2);
  Batch b = batch_of(2, 3, DType::f64);
  b.modalities[1] = padded(b.modalities[1].values, 4);
  for (std::int64_t t = 0; t < 4; ++t) b.modalities[1].mask.set(t, 0);  // sample 0 has no second modality
  Tape tape(cpu_kernels());
  Context c(tape, model->parameters());
  c.begin(false);
  const Factors f = model->factors(c, b);
  for (std::int64_t j = 0; j < 4; ++j) {
    CHECK(f.joint.value().at(j) == f.shared_codes[0].value().at(j));
    CHECK(f.joint.value().at(4 + j) ==
          doctest::Approx((f.shared_codes[0].value().at(4 + j) + f.shared_codes[1].value().at(4 + j)) / 2));
  }
}

TEST_CASE("shared-private: loss and gradients have the same bits for 1, 2, 3 and 4 threads") {
  const int before = threads();
  ModelConfig config = config_of(2);
  config.width = config.private_width = config.shared_width = 64;
  const auto model = make_model(config, DType::f32, 2);
  const Batch b = batch_of(2, 96, DType::f32);
  set_threads(1);
  const Run one = run_objective(*model, b);
  for (const int n : {2, 3, 4}) {
    set_threads(n);
    const Run many = run_objective(*model, b);
    CHECK(one.loss == many.loss);
    for (std::size_t i = 0; i < one.gradients.size(); ++i) CHECK(same_bits(one.gradients[i], many.gradients[i]));
  }
  set_threads(before);
}

TEST_CASE("shared-private: while the bridge is shut nothing is aligned") {
  ModelConfig config = config_of(2);
  config.bridge = {0.6, 0.9};
  const auto model = make_model(config, DType::f64, 2);
  Tape tape(cpu_kernels());
  Context c(tape, model->parameters());
  c.begin(true);
  for (const LossTerm& t : model->objective(c, batch_of(2, 4, DType::f64), 0.5).terms) CHECK(t.name != "align");
  c.begin(true);
  bool aligned = false;
  for (const LossTerm& t : model->objective(c, batch_of(2, 4, DType::f64), 0.95).terms) aligned |= t.name == "align";
  CHECK(aligned);
}

TEST_CASE("models: codes of every scheme have the widths asked for, or the scheme's own") {
  for (const char* scheme : {"query-banks", "typed-slots", "modality-moe", "shared-private"}) {
    ModelConfig config = config_of(3);
    config.scheme = {scheme};
    config.query_banks.heads = 2;
    const auto codes = [&](const ModelConfig& of) {
      const auto model = make_model(of, DType::f64, 2);
      Tape tape(cpu_kernels());
      Context c(tape, model->parameters());
      c.begin(false);
      const Factors f = model->factors(c, batch_of(3, 4, DType::f64));
      CHECK(f.joint.shape() == f.shared_codes[2].shape());
      return std::pair(f.private_codes[1].shape()[1], f.shared_codes[1].shape()[1]);
    };
    CHECK(codes(config) == std::pair<std::int64_t, std::int64_t>(5, 4));
    if (std::string(scheme) == "shared-private") continue;
    config.private_width = config.shared_width = 0;
    CHECK(codes(config) == std::pair<std::int64_t, std::int64_t>(8, 8));
  }
}

TEST_CASE("models: a sample that lacks a modality lacks it in every layer of a stack") {
  for (const std::vector<std::string>& stack :
       {std::vector<std::string>{"query-banks", "shared-private"}, {"typed-slots", "shared-private"}}) {
    ModelConfig config = config_of(2);
    config.scheme = stack;
    config.query_banks.heads = 2;
    const auto model = make_model(config, DType::f64, 2);
    Batch b = batch_of(2, 3, DType::f64);
    b.modalities[1] = padded(b.modalities[1].values, 4);
    for (std::int64_t t = 0; t < 4; ++t) b.modalities[1].mask.set(t, 0);  // sample 0 has no second modality
    Tape tape(cpu_kernels());
    Context c(tape, model->parameters());
    c.begin(false);
    const Factors f = model->factors(c, b);
    for (std::int64_t j = 0; j < 4; ++j)
      CHECK(f.joint.value().at(j) == doctest::Approx(f.shared_codes[0].value().at(j)).epsilon(1e-12));
  }
}

TEST_CASE("models: every preset can be computed in training, soft or hard, with noise in the router") {
  for (const char* scheme : {"query-banks", "typed-slots", "shared-private", "modality-moe"})
    for (const bool soft : {false, true}) {
      CAPTURE(scheme);
      ModelConfig config = config_of(2);
      config.scheme = {scheme};
      config.query_banks.heads = 2;
      config.typed_slots.soft = soft;
      config.moe.experts.noise = soft ? 0.25 : 0;
      auto model = make_model(config, DType::f64, 2);
      config = model->config();
      if (soft && scheme == std::string("modality-moe"))
        config.objective.push_back(
            {"load", "load_loss", {"routing"}, 1, 1, WeightSchedule::constant, {{"noise_std", 0.25}}});
      model = make_model(config, DType::f64, 2);
      Tape tape(cpu_kernels());
      Context c(tape, model->parameters());
      c.begin(true);
      const LossTerms terms = model->objective(c, batch_of(2, 6, DType::f64), 0.5);
      CHECK(terms.terms.size() == config.objective.size());
      CHECK(std::isfinite(terms.total.value().item()));
      c.begin(false);  // there is no noise then, so no load loss
      CHECK(model->objective(c, batch_of(2, 6, DType::f64), 0.5).terms.size() >= config.objective.size() - 1);
    }
}

TEST_CASE("models: appended padding and the order of the batch change neither the objective nor a gradient") {
  const std::vector<std::vector<std::string>> stacks = {{"query-banks"},
                                                        {"typed-slots"},
                                                        {"modality-moe"},
                                                        {"query-banks", "shared-private"},
                                                        {"typed-slots", "shared-private"},
                                                        {"query-banks", "modality-moe"}};
  // Every loss that takes codes or routings; the sum of all of them is compared.
  const std::vector<TermConfig> everything = {{"clip", "clip", {"shared"}},
                                              {"nce", "info_nce", {"shared"}},
                                              {"siglip", "siglip", {"shared"}},
                                              {"distance", "contrastive_distance", {"shared"}},
                                              {"vicreg", "vicreg", {"shared"}},
                                              {"barlow", "barlow_twins", {"shared"}},
                                              {"xcorr", "xcorr", {"private-shared", "private"}},
                                              {"xcov", "xcov", {"private"}},
                                              {"raw", "xcov_raw", {"private"}, 1e-3, 1e-3},
                                              {"difference", "misa_difference", {"private-shared"}},
                                              {"cmd", "cmd", {"shared"}},
                                              {"hsic", "hsic", {"private-shared"}},
                                              {"dcca", "dcca", {"shared"}},
                                              {"hinge", "variance_hinge", {"private", "shared", "joint"}},
                                              {"size", "mean_square", {"joint"}},
                                              {"reconstruct", "mse", {"reconstruction"}},
                                              {"balance", "switch_balance", {"routing"}},
                                              {"importance", "importance_loss", {"routing"}},
                                              {"z", "router_z_loss", {"routing"}},
                                              {"local", "local_entropy", {"routing"}},
                                              {"global", "global_entropy", {"routing"}}};
  const std::vector<std::int64_t> order = {4, 9, 0, 7, 2, 11, 5, 1, 10, 3, 8, 6};
  for (const auto& stack : stacks) {
    CAPTURE(stack[0]);
    ModelConfig config = config_of(3);
    config.scheme = stack;
    config.objective = everything;
    config.query_banks.heads = 2;
    config.moe.experts.k = 2;
    config.moe.experts.hidden = 6;
    const auto model = make_model(config, DType::f64, 2);
    const Batch plain = batch_of(3, 12, DType::f64);
    Batch longer = plain, turned = plain;
    for (ModalityBatch& m : longer.modalities) m = padded(m.values, m.values.shape()[1] + 3);
    for (ModalityBatch& m : turned.modalities) {
      Tensor t(m.values.shape(), DType::f64);
      const std::int64_t row = t.size() / 12;
      for (std::int64_t i = 0; i < 12; ++i)
        for (std::int64_t j = 0; j < row; ++j)
          t.set(i * row + j, m.values.at(order[static_cast<std::size_t>(i)] * row + j));
      m.values = t;
    }
    const Run a = run_objective(*model, plain);
    for (const Batch* other : {&longer, &turned}) {
      const Run b = run_objective(*model, *other);
      CHECK(std::abs(a.loss - b.loss) < 1e-11 * std::max(1.0, std::abs(a.loss)));
      for (std::size_t i = 0; i < a.gradients.size(); ++i) {
        CAPTURE(model->parameters()[i].name);
        if (!a.gradients[i]) continue;
        CHECK(largest_difference(a.gradients[i], b.gradients[i]) < 1e-10);
      }
    }
  }
}

TEST_CASE("bridge: the gate rises from 0 to 1 between its ends") {
  const Bridge b{0.25, 0.75};
  CHECK(b.gate(0) == 0);
  CHECK(b.gate(0.25) == 0);
  CHECK(b.gate(0.5) == 0.5);
  CHECK(b.gate(0.75) == 1);
  CHECK(b.gate(1) == 1);
  CHECK(Bridge{0, 0}.gate(0) == 1);  // no curriculum
}

TEST_CASE("shared-private: gradients of every parameter agree with finite differences, on both backends") {
  for (const SchemeCheck& check : scheme_checks())
    for (const Kernels* k : {&reference_kernels(), &cpu_kernels()}) {
      if (check.scheme != "shared-private" && check.scheme != "stack") continue;
      if (k == &reference_kernels() && check.sample.find("pictures") != std::string::npos)
        continue;  // minutes of naive convolutions
      const GradcheckResult r = run(check, *k);
      CAPTURE(check.sample);
      CAPTURE(r.max_rel_error);
      CHECK_MESSAGE(r.pass, r.reason);
    }
}

TEST_CASE("models: impossible configurations are refused by name") {
  const auto refused = [](auto&& change, const char* message) {
    ModelConfig c = config_of(2);
    change(c);
    CHECK_THROWS_WITH_AS(make_model(c, DType::f32, 0), message, Error);
  };
  refused([](ModelConfig& c) { c.scheme = {"shared-privat"}; }, "model.scheme = 'shared-privat' is not a scheme");
  refused([](ModelConfig& c) { c.private_width = 0; }, "model.private_width = 0 must be at least 1");
  refused([](ModelConfig& c) { c.ffn = "modality-moe"; },
          "model.ffn = modality-moe needs the scheme query-banks in model.scheme, whose FFN it replaces");
  refused([](ModelConfig& c) { c.modalities.clear(); }, "a model takes 1 to 8 modalities, got 0");
  refused(
      [](ModelConfig& c) {
        c.scheme = {"shared-private", "shared-private"};
      },
      "model.scheme stacks 'shared-private' on itself");
  refused(
      [](ModelConfig& c) {
        c.objective = {{"x", "vicregg", {"private"}}};
      },
      "objective: loss 'vicregg' is not a loss");
  refused(
      [](ModelConfig& c) {
        c.objective = {{"x", "vicreg", {"privat"}}};
      },
      "objective 'x': on = 'privat' is not a code");
  refused(
      [](ModelConfig& c) {
        c.objective = {{"x", "flow_path", {"private"}}};
      },
      "objective 'x': the loss flow_path does not act on codes");
}

TEST_CASE("shared-private: sigmoid codes are bounded and share one map; Gaussian ones are drawn in training only") {
  ModelConfig config = config_of(2);
  config.code = "sigmoid";
  const Batch batch = batch_of(2, 5, DType::f64);
  const auto bounded = make_model(config, DType::f64, 3);
  int shared_maps = 0;
  for (const Parameter& p : bounded->parameters())
    shared_maps += p.name == "shared.weight" || p.name == "m0.shared.weight";
  CHECK(shared_maps == 1);
  Tape tape(cpu_kernels());
  const auto codes = [&](const Model& model, bool training, std::int64_t step) {
    Context c(tape, model.parameters());
    c.begin(training, 9, step);
    const Factors f = model.factors(c, batch);
    for (const auto& g : f.shared_gaussian)
      for (const double l : g.logvar.value().values()) CHECK(std::abs(l) < 10);
    return f.shared_codes[0].value().clone();
  };
  for (const double v : codes(*bounded, true, 0).values()) CHECK((v > 0 && v < 1));

  config.code = "gaussian";
  const auto gaussian = make_model(config, DType::f64, 3);
  const Tensor mean = codes(*gaussian, false, 0), first = codes(*gaussian, true, 1), second = codes(*gaussian, true, 2);
  CHECK(same_bits(mean, codes(*gaussian, false, 5)));
  CHECK(same_bits(first, codes(*gaussian, true, 1)));
  CHECK(largest_difference(first, mean) > 0.1);
  CHECK(largest_difference(first, second) > 0.1);

  config.scheme = {"query-banks"};
  CHECK_THROWS_WITH_AS(make_model(config, DType::f64, 3),
                       "model.code = 'gaussian' needs shared-private to be the last of model.scheme, got 'query-banks'",
                       Error);
}
