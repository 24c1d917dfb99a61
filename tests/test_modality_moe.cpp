// The mixture-of-experts scheme and its layer: what each code may depend on, padding, capacity, statistics.
#include <doctest/doctest.h>

#include <cmath>

#include "core/arena.h"
#include "core/error.h"
#include "core/rng.h"
#include "losses/switch_balance.h"
#include "models/modality_moe/modality_moe.h"
#include "ops/masked_mean.h"
#include "ops/sum.h"
#include "tests/scheme_codes.h"

using namespace triptych;

namespace {

constexpr std::int64_t width = 4;

Tensor drawn(Shape shape, std::uint64_t stream) {
  Tensor t(shape, DType::f64);
  Rng rng(5, stream);
  for (std::int64_t i = 0; i < t.size(); ++i) t.set(i, rng.normal());
  return t;
}

// Tokens as data: of modality m and of its surface (null: the same tokens), with masks or without.
struct Data {
  Tensor h, mask, surface, surface_mask;
};

ModalityMoeConfig options(int k) {
  ModalityMoeConfig c;
  c.width = width;
  c.experts.k = k;
  c.experts.hidden = 6;
  return c;
}

struct Model {
  Parameters parameters;
  std::vector<EncodedWidths> widths;
  ModalityMoe scheme;

  Model(std::vector<EncodedWidths> modalities, const ModalityMoeConfig& config)
      : widths(std::move(modalities)), scheme({parameters, DType::f64, 3}, widths, config) {
    // Routers far from even, so that every path is taken and no tie decides.
    for (Parameter& p : parameters)
      if (p.name.ends_with("router"))
        for (std::int64_t i = 0; i < p.value.size(); ++i) p.value.set(i, 50 * p.value.at(i));
  }
};

std::vector<EncodedWidths> same(std::size_t modalities) {
  std::vector<EncodedWidths> list;
  for (std::size_t m = 0; m < modalities; ++m)
    list.push_back({"m" + std::to_string(m), width + static_cast<std::int64_t>(m % 2), width, true});
  return list;
}

struct Run {
  Tape tape{cpu_kernels()};
  Context context;
  std::vector<Encoded> encoded;
  Factors f;

  Run(const Model& model, const std::vector<Data>& data, double gate, bool training = true, Wanted wanted = {})
      : context(tape, model.parameters) {
    context.begin(training);
    for (const Data& d : data) {
      Encoded e;
      const auto mask = [&](const Tensor& t) { return t ? tape.constant(t) : Var{}; };
      if (d.h) e.h = {tape.variable(d.h), mask(d.mask)};
      e.surface = d.surface ? Tokens{tape.variable(d.surface), mask(d.surface_mask)} : e.h;
      encoded.push_back(e);
    }
    f = model.scheme.factors(context, encoded, gate, wanted);
  }
  // Largest entry of the gradient of all of `code`, each entry weighted differently; 0 where there is none.
  double dependence(const Var& code, const Var& on) {
    const Tensor g = tape.gradients(code, {on}, drawn(code.shape(), 99))[on];
    double worst = 0;
    for (std::int64_t i = 0; g && i < g.size(); ++i) worst = std::max(worst, std::abs(g.at(i)));
    return worst;
  }
};

double distance(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  double worst = 0;
  for (std::int64_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a.at(i) - b.at(i)));
  return worst;
}

std::vector<Data> data_of(const Model& model, std::int64_t batch = 4) {
  std::vector<Data> list;
  for (std::size_t m = 0; m < model.widths.size(); ++m)
    list.push_back({drawn({batch, 3 + static_cast<std::int64_t>(m), model.widths[m].h}, m), {}, {}, {}});
  return list;
}

// Rows of samples in the order p, followed by `more` tokens of 1e3 each; masks say so.
Data rearranged(const Data& d, const std::vector<std::int64_t>& p, std::int64_t more) {
  const std::int64_t batch = d.h.shape()[0], tokens = d.h.shape()[1], w = d.h.shape()[2];
  Data to{Tensor::full({batch, tokens + more, w}, DType::f64, 1e3),
          Tensor::zeros({batch, tokens + more}, DType::f64),
          {},
          {}};
  for (std::int64_t b = 0; b < batch; ++b)
    for (std::int64_t t = 0; t < tokens; ++t) {
      const std::int64_t from = p[static_cast<std::size_t>(b)] * tokens + t, at = b * (tokens + more) + t;
      to.mask.set(at, d.mask ? d.mask.at(from) : 1);
      for (std::int64_t j = 0; j < w; ++j) to.h.set(at * w + j, d.h.at(from * w + j));
    }
  return to;
}

double total(const InlineVector<double, 8>& v) {
  double sum = 0;
  for (const double x : v) sum += x;
  return sum;
}

}  // namespace

TEST_CASE("modality-moe: no private code depends on another modality, capacity or not") {
  for (const double gate : {0.0, 0.4, 1.0})
    for (const double capacity : {0.0, 0.5})
      for (const double penalty : {0.0, 1.0}) {
        ModalityMoeConfig config = options(2);
        config.experts.capacity = capacity;
        config.experts.foreign_penalty = penalty;
        const Model model(same(3), config);
        Run r(model, data_of(model), gate);
        for (std::size_t a = 0; a < 3; ++a) {
          CHECK(r.dependence(r.f.private_codes[a], r.encoded[a].h.x) > 1e-3);
          CHECK(r.dependence(r.f.joint, r.encoded[a].h.x) > 1e-3);
          for (std::size_t b = 0; b < 3; ++b)
            if (a != b) CHECK(r.dependence(r.f.private_codes[a], r.encoded[b].h.x) == 0);
        }
      }
}

TEST_CASE("modality-moe: while the bridge is shut the shared cluster gets neither tokens nor gradients") {
  const Model model(same(2), options(1));
  Run r(model, data_of(model), 0);
  for (const Routing& routing : r.f.routing) CHECK(routing.load.size() == 2);  // the own cluster alone
  for (const Var& code : r.f.shared_codes) {
    std::size_t i = 0;
    for (const Parameter& p : model.parameters) {
      const Var v = r.context.parameters()[i++];
      if (p.name.starts_with("experts.shared")) CHECK_FALSE(r.tape.gradients(code, {v}, drawn(code.shape(), 1))[v]);
    }
  }
  // The shared code is then the mean token.
  CHECK(distance(r.f.shared_codes[0].value(), masked_mean(r.encoded[0].h.x, {}).value()) < 1e-12);
}

TEST_CASE("modality-moe: as the bridge opens the shared experts win tokens step by step") {
  const Model model(same(2), options(1));
  const auto shared_mass = [&](double gate) {
    const Run r(model, data_of(model), gate);
    const Tensor& p = r.f.routing[0].probs.value();
    double mass = 0;
    for (std::int64_t t = 0; t < p.shape()[0]; ++t) mass += p.at(4 * t + 2) + p.at(4 * t + 3);
    return mass;
  };
  CHECK(shared_mass(1e-9) < 1e-6);
  CHECK(shared_mass(0.3) < shared_mass(0.6));
  CHECK(shared_mass(0.6) < shared_mass(1));
}

TEST_CASE("modality-moe: padding and the order of samples change nothing") {
  for (const int k : {1, 2}) {
    const Model model(same(2), options(k));
    std::vector<Data> data = data_of(model), moved;
    data[1].mask = Tensor::full({4, 4}, DType::f64, 1);
    for (const std::int64_t at : {3, 6, 7, 8, 9, 10, 11}) data[1].mask.set(at, 0);  // sample 2 lacks modality 1
    const std::vector<std::int64_t> p = {2, 0, 3, 1};
    for (const Data& d : data) moved.push_back(rearranged(d, p, 3));
    Run a(model, data, 0.7), b(model, moved, 0.7);
    const auto compare = [&](const Var& x, const Var& y) {
      for (std::int64_t i = 0; i < x.value().size(); ++i) {
        const std::int64_t row = i / width;
        CHECK(std::abs(y.value().at(i) - x.value().at(p[static_cast<std::size_t>(row)] * width + i % width)) < 1e-12);
      }
    };
    compare(a.f.joint, b.f.joint);
    for (std::size_t m = 0; m < 2; ++m) {
      compare(a.f.private_codes[m], b.f.private_codes[m]);
      compare(a.f.shared_codes[m], b.f.shared_codes[m]);
      const Routing &x = a.f.routing[m], &y = b.f.routing[m];
      CHECK(switch_balance(y.probs, y.mask).value().item() ==
            doctest::Approx(switch_balance(x.probs, x.mask).value().item()).epsilon(1e-12));
      CHECK(y.entropy == doctest::Approx(x.entropy).epsilon(1e-12));
      for (std::size_t e = 0; e < x.load.size(); ++e) CHECK(x.load[e] == doctest::Approx(y.load[e]).epsilon(1e-12));
      const Var wrt = a.context.parameters()[0];
      const Tensor g = a.tape.gradients(sum(a.f.joint), {wrt})[wrt],
                   h = b.tape.gradients(sum(b.f.joint), {b.context.parameters()[0]})[b.context.parameters()[0]];
      CHECK(distance(g, h) < 1e-12);
    }
  }
}

TEST_CASE("modality-moe: one to five modalities, also with one missing from the batch") {
  for (const std::size_t modalities : {1, 2, 3, 5}) {
    const Model model(same(modalities), options(1));
    std::vector<Data> data = data_of(model);
    Run all(model, data, 1);
    CHECK(all.f.routing.size() == modalities);
    CHECK(all.f.joint.shape() == Shape{4, width});
    if (modalities == 1) continue;
    data[0] = {};
    const Run rest(model, data, 1, true, {.joint = true, .tokens = true});
    CHECK_FALSE(rest.f.private_codes[0]);
    CHECK_FALSE(rest.f.shared_tokens[0].x);
    CHECK(rest.f.routing.size() == modalities - 1);
    for (std::size_t m = 1; m < modalities; ++m)
      CHECK(distance(rest.f.shared_codes[m].value(), all.f.shared_codes[m].value()) < 1e-12);
  }
}

TEST_CASE("modality-moe: codes are the means of their tokens, however they are computed") {
  for (const bool block : {false, true}) {
    ModalityMoeConfig config = options(2);
    config.block_code = block;
    const Model model(same(2), config);
    std::vector<Data> data = data_of(model);
    data[0].mask = Tensor::full({4, 3}, DType::f64, 1);
    data[0].mask.set(1, 0);
    Run pooled(model, data, 0.5), tokens(model, data, 0.5, true, {.joint = true, .tokens = true});
    CHECK(distance(pooled.f.joint.value(), tokens.f.joint.value()) < 1e-12);
    for (std::size_t m = 0; m < 2; ++m) {
      CHECK(distance(pooled.f.private_codes[m].value(), tokens.f.private_codes[m].value()) < 1e-12);
      const Tokens& t = tokens.f.shared_tokens[m];
      CHECK(distance(masked_mean(t.x, t.mask).value(), pooled.f.shared_codes[m].value()) < 1e-12);
    }
    const Tensor g = pooled.tape.gradients(sum(pooled.f.joint), {pooled.encoded[0].h.x})[pooled.encoded[0].h.x],
                 h = tokens.tape.gradients(sum(tokens.f.joint), {tokens.encoded[0].h.x})[tokens.encoded[0].h.x];
    CHECK(distance(g, h) < 1e-12);
  }
}

TEST_CASE("modality-moe: the block code is the plain formula, token by token and expert by expert") {
  ModalityMoeConfig config = options(2);
  config.block_code = true;
  config.private_residual = false;
  const Model model({{"a", width, width, true}, {"b", width, width, true}}, config);
  const std::vector<Data> data = data_of(model);
  const Run r(model, data, 1);
  const auto weight = [&](const std::string& name) -> const Tensor& {
    for (const Parameter& p : model.parameters)
      if (p.name == "experts." + name) return p.value;
    FAIL("no parameter ", name);
    std::abort();
  };
  const Tensor &x = data[1].h, &embedding = weight("b.embedding");
  const std::int64_t tokens = x.shape()[1], hidden = 6;
  Tensor expected = Tensor::zeros({4, width}, DType::f64);
  for (std::int64_t t = 0; t < 4 * tokens; ++t) {
    std::vector<std::pair<double, std::pair<std::string, std::int64_t>>> experts;  // e^logit, cluster, expert in it
    for (const std::string cluster : {"b", "shared"})
      for (std::int64_t e = 0; e < 2; ++e) {
        double logit = 0;
        for (std::int64_t j = 0; j < width; ++j)
          logit += weight(cluster + ".router").at(e * width + j) * (x.at(t * width + j) + embedding.at(j));
        experts.push_back({std::exp(logit), {cluster, e}});
      }
    std::sort(experts.rbegin(), experts.rend());
    for (std::int64_t o = 0; o < width; ++o) {
      double y = x.at(t * width + o);
      for (int i = 0; i < 2; ++i) {
        const auto& [cluster, e] = experts[static_cast<std::size_t>(i)].second;
        double f = weight(cluster + ".b2").at(e * width + o);
        for (std::int64_t h = 0; h < hidden; ++h) {
          double a = weight(cluster + ".b1").at(e * hidden + h);
          for (std::int64_t j = 0; j < width; ++j)
            a += weight(cluster + ".w1").at((e * hidden + h) * width + j) * x.at(t * width + j);
          f += weight(cluster + ".w2").at((e * width + o) * hidden + h) * a * 0.5 * std::erfc(-a / std::sqrt(2.0));
        }
        y += experts[static_cast<std::size_t>(i)].first / (experts[0].first + experts[1].first) * f;
      }
      const std::int64_t at = t / tokens * width + o;
      expected.set(at, expected.at(at) + y / static_cast<double>(tokens));
    }
  }
  CHECK(distance(r.f.shared_codes[1].value(), expected) < 1e-12);
}

TEST_CASE("modality-moe: with a surface of its own the private code reads that alone, the shared code the rest") {
  ModalityMoeConfig config = options(1);
  const Model model({{"a", width, 7, false}, {"b", 6, 3, false}}, config);
  std::vector<Data> data = {{drawn({4, 3, width}, 1), {}, drawn({4, 2, 7}, 2), {}},
                            {drawn({4, 2, 6}, 3), {}, drawn({4, 1, 3}, 4), {}}};
  Run r(model, data, 1);
  for (std::size_t m = 0; m < 2; ++m) {
    CHECK(r.dependence(r.f.private_codes[m], r.encoded[m].surface.x) > 1e-3);
    CHECK(r.dependence(r.f.private_codes[m], r.encoded[m].h.x) == 0);
    CHECK(r.dependence(r.f.shared_codes[m], r.encoded[m].h.x) > 1e-3);
    CHECK(r.dependence(r.f.shared_codes[m], r.encoded[m].surface.x) == 0);
  }
  REQUIRE(r.f.routing.size() == 4);
  CHECK(r.f.routing[0].load.size() == 4);
  CHECK(r.f.routing[1].load.size() == 2);  // the surface: own cluster alone
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(r.f.routing[i].modality == i / 2);
    CHECK(r.f.routing[i].code == (i % 2 == 0 ? "shared" : "private"));
  }
}

TEST_CASE("modality-moe: the hard mask leaks nothing, the soft one says how much") {
  ModalityMoeConfig config = options(1);
  double before = 1;
  for (const double penalty : {0.5, 2.0, 30.0, 0.0}) {
    config.experts.foreign_penalty = penalty;
    const Model model(same(3), config);
    const Run r(model, data_of(model), 1);
    for (const Routing& routing : r.f.routing) {
      CHECK(routing.load.size() == (penalty == 0 ? 4 : 8));
      CHECK(bool(routing.allowed) == (penalty > 0));  // balance stays inside own and shared experts
    }
    CHECK(r.f.routing[0].leakage < before);
    before = r.f.routing[0].leakage;
  }
  CHECK(before == 0);
}

TEST_CASE("modality-moe: capacity drops while training only, within a modality; a dropped token keeps its residual") {
  ModalityMoeConfig config = options(1);
  config.experts.capacity = 0.25;
  for (const DropOrder order : {DropOrder::position, DropOrder::priority}) {
    config.experts.drop_order = order;
    const Model model(same(2), config);
    const std::vector<Data> data = data_of(model, 6);
    Run train(model, data, 1, true, {.joint = false, .tokens = true}), eval(model, data, 1, false);
    for (std::size_t m = 0; m < 2; ++m) {
      CHECK(train.f.routing[m].dropped > 0.2);
      CHECK(eval.f.routing[m].dropped == 0);
      CHECK(total(train.f.routing[m].load) == doctest::Approx(1));
    }
    // What no expert took comes out as it went in (modality 0 is `width` wide already).
    const Tensor &x = train.encoded[0].h.x.value(), &y = train.f.shared_tokens[0].x.value();
    int kept = 0;
    for (std::int64_t t = 0; t < 18; ++t) {
      bool equal = true;
      for (std::int64_t j = 0; j < width; ++j) equal = equal && x.at(t * width + j) == y.at(t * width + j);
      kept += equal;
    }
    CHECK(kept >= 4);
    std::vector<Data> other = data;
    other[1].h = drawn({6, 4, 5}, 77);  // another modality's tokens take no room from this one
    const Run again(model, other, 1, true, {.joint = false, .tokens = true});
    CHECK(same_bits(again.f.shared_tokens[0].x.value(), y));
  }
}

TEST_CASE("modality-moe: noise enters the choice while training only, and never the probabilities of the losses") {
  ModalityMoeConfig config = options(1);
  config.experts.noise = 3;
  const Model model(same(2), config);
  const std::vector<Data> data = data_of(model);
  Run a(model, data, 1), b(model, data, 1), eval(model, data, 1, false), again(model, data, 1, false);
  CHECK(same_bits(a.f.joint.value(), b.f.joint.value()));  // the same seed and step
  CHECK(same_bits(eval.f.joint.value(), again.f.joint.value()));
  CHECK(distance(a.f.joint.value(), eval.f.joint.value()) > 1e-6);
  CHECK(same_bits(a.f.routing[0].probs.value(), eval.f.routing[0].probs.value()));
  CHECK(a.f.routing[0].noise.shape() == a.f.routing[0].logits.shape());
  CHECK_FALSE(eval.f.routing[0].noise);
}

TEST_CASE("modality-moe: a step after the first allocates nothing") {
  const Model model(same(2), options(2));
  const std::vector<Data> data = data_of(model);
  Tape tape(cpu_kernels());
  Context context(tape, model.parameters);
  Gradients gradients;
  std::int64_t after_first = 0;
  for (int step = 0; step < 3; ++step) {
    context.begin(true);
    std::vector<Encoded> encoded;
    for (const Data& d : data) encoded.push_back({{tape.constant(d.h), {}}, {}, {}});
    for (Encoded& e : encoded) e.surface = e.h;
    const Factors f = model.scheme.factors(context, encoded, 1, {});
    tape.gradients(sum(f.joint), context.parameters(), gradients);
    if (step == 0) after_first = arena::stats().system_allocations;
  }
  CHECK(arena::stats().system_allocations == after_first);
}

TEST_CASE("moe layer: it reads for a modality or for the shared code; its output is what the experts add") {
  Parameters parameters;
  const std::string names[] = {"a", "b"};
  MoeConfig config;
  config.k = 2;
  config.hidden = 5;
  const MoeFeedForward layer({parameters, DType::f64, 1}, "ffn", names, width, config);
  Tape tape(cpu_kernels());
  Context c(tape, parameters);
  c.begin(true);
  const Tokens x{tape.variable(drawn({2, 3, width}, 1)), {}};
  Routing own, shared, shut;
  const Var y = layer(c, x, 0, 1, &own), z = layer(c, x, layer.shared(), 1, &shared);
  layer(c, x, 1, 0, &shut);
  CHECK(y.shape() == Shape{2, 3, width});
  CHECK(own.load.size() == 4);
  CHECK(shared.load.size() == 2);
  CHECK(shut.load.size() == 2);
  const MoeFeedForward::Routed r = layer.route(c, x, 0, 1);
  Tensor parts = layer.tokens(c, x.x, r, 0).value().clone();
  cpu_kernels().axpby(1, layer.tokens(c, x.x, r, layer.shared()).value().view(), 1, parts.view(), parts.size());
  CHECK(distance(parts, y.value()) < 1e-12);
  std::size_t i = 0;
  for (const Parameter& p : parameters) {
    const Var v = c.parameters()[i++];
    if (!p.name.starts_with("ffn.shared")) CHECK_FALSE(tape.gradients(z, {v}, drawn(z.shape(), 2))[v]);
  }
}

TEST_CASE("moe layer: impossible clusters are refused") {
  Parameters parameters;
  const std::string names[] = {"a"};
  const auto make = [&](const MoeConfig& c) { MoeFeedForward({parameters, DType::f64, 1}, "ffn", names, width, c); };
  CHECK_THROWS_WITH(make({.experts = 0}), "moe: a cluster needs an expert, got experts = 0 and shared_experts = 2");
  CHECK_THROWS_WITH(make({.experts = 1, .shared_experts = 1, .k = 3}),
                    "moe: k = 3 must be in [1, 2], the experts of a modality and the shared ones together");
  CHECK_THROWS_WITH(make({.capacity = -1}), "moe: foreign_penalty, noise, capacity and hidden must not be negative");
}

TEST_CASE("modality-moe: gradients of every parameter agree with finite differences, for every option") {
  test::check_gradients("modality-moe");
}
