// Routing of tokens to experts, beyond the registry's checks: ties, padding, capacity, who receives a gradient.
#include <doctest/doctest.h>

#include <cmath>

#include "core/rng.h"
#include "losses/global_entropy.h"
#include "losses/importance_loss.h"
#include "losses/load_loss.h"
#include "losses/local_entropy.h"
#include "losses/router_z_loss.h"
#include "losses/switch_balance.h"
#include "ops/expert_capacity.h"
#include "ops/moe_feed_forward.h"
#include "ops/moe_pool.h"
#include "ops/softmax.h"
#include "ops/sum.h"
#include "ops/top_k_gates.h"

using namespace triptych;

namespace {

Tensor noise(Shape shape, std::uint64_t stream, DType dtype = DType::f64) {
  Tensor t(shape, dtype);
  Rng rng(7, stream);
  for (std::int64_t i = 0; i < t.size(); ++i) t.set(i, rng.normal());
  return t;
}

Tensor listed(Shape shape, std::vector<double> values) {
  return Tensor::from(shape, std::span<const double>(values), DType::f64);
}

Tensor whole(Shape shape, const std::vector<std::int32_t>& values) { return Tensor::from(shape, values); }

std::vector<double> values(const Var& v) { return v.value().values(); }
double value(const Var& v) { return v.value().item(); }

double distance(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  double worst = 0;
  for (std::int64_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a.at(i) - b.at(i)));
  return worst;
}

struct Bench {
  Tape tape{cpu_kernels()};
  Var var(const Tensor& t) { return tape.variable(t); }
  Var constant(const Tensor& t) { return tape.constant(t); }
  Tensor gradient(const Var& y, const Var& x) { return tape.gradients(y, {x})[x]; }
};

using Loss = Var (*)(const Var&, const Var&, const Var&);
const std::pair<const char*, Loss> losses[] = {
    {"switch_balance", [](const Var& x, const Var& m, const Var& a) { return switch_balance(x, m, a); }},
    {"importance_loss", [](const Var& x, const Var& m, const Var& a) { return importance_loss(x, m, a); }},
    {"load_loss",
     [](const Var& x, const Var& m, const Var& a) {
       Tensor small(x.shape(), x.dtype());
       for (std::int64_t i = 0; i < small.size(); ++i) small.set(i, 0.01 * std::sin(static_cast<double>(i * i)));
       return load_loss(x, x.tape().constant(small), 0.5, 1, m, a).value;
     }},
    {"router_z_loss", [](const Var& x, const Var& m, const Var& a) { return router_z_loss(x, m, a); }},
    {"local_entropy", [](const Var& x, const Var& m, const Var& a) { return local_entropy(x, m, a); }},
    {"global_entropy", [](const Var& x, const Var& m, const Var& a) { return global_entropy(x, 2, m, a); }}};

struct Experts {
  Var w1, b1, w2, b2;
  Experts(Bench& t, std::int64_t n, std::int64_t hidden, std::int64_t d)
      : w1(t.var(noise({n, hidden, d}, 1))),
        b1(t.var(noise({n, hidden}, 2))),
        w2(t.var(noise({n, d, hidden}, 3))),
        b2(t.var(noise({n, d}, 4))) {}
  Var operator()(const Var& x, const TopKGates& to) const {
    return moe_feed_forward(x, to.gates, to.index, w1, b1, w2, b2);
  }
};

}  // namespace

TEST_CASE("top_k_gates: ties go to the first expert; what is 0 is never chosen") {
  Bench t;
  const TopKGates top = top_k_gates(t.var(listed({3, 4}, {.25, .25, .25, .25, 0, 1, 0, 0, 0, 0, 0, 0})), 2);
  CHECK(values(top.index) == std::vector<double>{0, 1, 1, -1, -1, -1});
  CHECK(values(top.gates) == std::vector<double>{.25, .25, 1, 0, 0, 0});
  const TopKGates shared = top_k_gates(t.var(listed({2, 3}, {.2, .2, .6, 0, 0, 0})), 2, true);
  CHECK(values(shared.gates)[0] == doctest::Approx(.75));
  CHECK(values(shared.gates)[2] == 0);  // nothing chosen: no 0 / 0
}

TEST_CASE("top_k_gates: the router of a top-1 gate has a gradient, since it is not renormalised") {
  Bench t;
  const Var logits = t.var(noise({5, 3}, 11)), x = t.var(noise({5, 4}, 12));
  const Var y = sum(Experts(t, 3, 6, 4)(x, top_k_gates(softmax(logits, {}), 1)));
  double largest = 0;
  for (const double g : t.gradient(y, logits).values()) largest = std::max(largest, std::abs(g));
  CHECK(largest > 1e-3);
}

TEST_CASE("capacity: counts real choices only, and is rounded up but not to a multiple") {
  const Tensor index = whole({6, 1}, {0, 0, 0, 1, -1, -1});
  CHECK(expert_capacity(index, 2, 1.0) == 2);
  CHECK(expert_capacity(index, 2, 1.25) == 3);
  CHECK(expert_capacity(index, 4, 1.0) == 1);
  CHECK(expert_capacity(whole({30, 1}, std::vector<std::int32_t>(30)), 3, 1.1) == 11);  // 11.000000000000002
  CHECK(expert_capacity(whole({2, 1}, {-1, -1}), 2, 1) == 0);
}

TEST_CASE("capacity: by position all first choices come before all second ones") {
  const Tensor index = whole({3, 2}, {0, 1, 1, 0, 0, 1});
  const Tensor probs = listed({3, 2}, {.6, .4, .3, .7, .9, .1});
  CHECK(drop_overflow(index, probs, 2, DropOrder::position).values() == std::vector<double>{0, 1, 1, -1, 0, -1});
  CHECK(drop_overflow(index, probs, 1, DropOrder::position).values() == std::vector<double>{0, -1, 1, -1, -1, -1});
  CHECK(drop_overflow(index, probs, 9, DropOrder::position).values() == index.values());
  CHECK(index.values() == std::vector<double>{0, 1, 1, 0, 0, 1});  // not written to
}

TEST_CASE("capacity: by priority the surest tokens come first, ties by position, padding nowhere") {
  const Tensor index = whole({4, 1}, {0, 0, -1, 0});
  const Tensor probs = listed({4, 2}, {.6, .4, .9, .1, 0, 0, .9, .1});
  CHECK(drop_overflow(index, probs, 2, DropOrder::priority).values() == std::vector<double>{-1, 0, -1, 0});
  CHECK(drop_overflow(index, probs, 1, DropOrder::priority).values() == std::vector<double>{-1, 0, -1, -1});
  CHECK(drop_overflow(index, probs, 2, DropOrder::position).values() == std::vector<double>{0, 0, -1, -1});
}

TEST_CASE("moe_feed_forward: a dropped token is 0 and has no gradient; nothing routed at all is fine") {
  Bench t;
  const Var x = t.var(noise({4, 3}, 1)), gates = t.var(listed({4, 1}, {.5, .6, .7, .8}));
  const Experts experts(t, 2, 5, 3);
  const Var y = experts(x, {gates, t.constant(whole({4, 1}, {1, -1, 0, -1}))});
  const Var none = experts(x, {gates, t.constant(whole({4, 1}, {-1, -1, -1, -1}))});
  const Gradients g = t.tape.gradients(sum(y), {x, gates, experts.w1}),
                  h = t.tape.gradients(sum(none), {x, experts.w1});
  for (std::int64_t j = 0; j < 3; ++j)
    for (const std::int64_t token : {1, 3}) {
      CHECK(y.value().at(token * 3 + j) == 0);
      CHECK(g[x].at(token * 3 + j) == 0);
      CHECK(g[gates].at(token) == 0);
    }
  CHECK(distance(none.value(), Tensor::zeros({4, 3}, DType::f64)) == 0);
  CHECK(distance(h[experts.w1], Tensor::zeros({2, 5, 3}, DType::f64)) == 0);
}

TEST_CASE("moe_feed_forward: tokens in another order give the same outputs in that order") {
  Bench t;
  const std::int64_t n = 7;
  const Tensor x = noise({n, 3}, 1), p = noise({n, 4}, 2);
  Tensor moved_x(x.shape(), DType::f64), moved_p(p.shape(), DType::f64);
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t j = 0; j < 3; ++j) moved_x.set(i * 3 + j, x.at(i * 3 % n * 3 + j));
    for (std::int64_t j = 0; j < 4; ++j) moved_p.set(i * 4 + j, p.at(i * 3 % n * 4 + j));
  }
  const Experts experts(t, 4, 5, 3);
  const auto run = [&](const Tensor& tokens, const Tensor& logits) {
    return experts(t.var(tokens), top_k_gates(softmax(t.var(logits), {}), 2, true)).value();
  };
  const Tensor y = run(x, p), moved = run(moved_x, moved_p);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < 3; ++j) CHECK(std::abs(moved.at(i * 3 + j) - y.at(i * 3 % n * 3 + j)) < 1e-12);
}

TEST_CASE("moe_pool: a table without its kernel takes the sum over tokens of moe_feed_forward") {
  Kernels bare = cpu_kernels();
  const Kernels* const tables[] = {&bare, &cpu_kernels()};
  bare.expert_pool = nullptr;
  std::vector<Tensor> found;
  for (const Kernels* k : tables) {
    Tape tape(*k);
    const auto var = [&](Shape shape, std::uint64_t stream) { return tape.variable(noise(shape, stream)); };
    const Var x = var({2, 3, 4}, 1);
    const TopKGates to = top_k_gates(softmax(var({6, 3}, 2), {}), 2);
    const Var y = moe_pool(x, to.gates, to.index, var({3, 5, 4}, 3), var({3, 5}, 4), var({3, 4, 5}, 5), var({3, 4}, 6));
    found.push_back(y.value());
    found.push_back(tape.gradients(sum(y), {x})[x]);
  }
  CHECK(distance(found[0], found[2]) < 1e-12);
  CHECK(distance(found[1], found[3]) < 1e-12);
}

TEST_CASE("moe_feed_forward, moe_pool: the same bits on one thread and on three") {
  const int before = threads();
  const auto run = [](int n) {
    set_threads(n);
    Bench t;
    const Var x = t.var(noise({600, 32}, 1, DType::f32)), logits = t.var(noise({600, 4}, 2, DType::f32));
    const auto weights = [&](Shape shape, std::uint64_t stream) { return t.var(noise(shape, stream, DType::f32)); };
    const Var w1 = weights({4, 64, 32}, 3), b1 = weights({4, 64}, 4), w2 = weights({4, 32, 64}, 5),
              b2 = weights({4, 32}, 6);
    const TopKGates to = top_k_gates(softmax(logits, {}), 2, true);
    std::vector<Tensor> all;
    const auto keep = [&](const Var& y, const Var& tokens) {
      const Gradients g = t.tape.gradients(sum(y), {tokens, logits, w1, b1, w2, b2});
      all.push_back(y.value());
      all.insert(all.end(), g.tensors().begin(), g.tensors().end());
    };
    const Var samples = t.var(noise({6, 100, 32}, 7, DType::f32));
    keep(moe_feed_forward(x, to.gates, to.index, w1, b1, w2, b2), x);
    keep(moe_pool(samples, to.gates, to.index, w1, b1, w2, b2), samples);
    return all;
  };
  const std::vector<Tensor> one = run(1), three = run(3);
  set_threads(before);
  for (std::size_t i = 0; i < one.size(); ++i) CHECK(same_bits(one[i], three[i]));
}

TEST_CASE("routing losses: at even routing, and at collapse") {
  Bench t;
  const Var even = t.var(Tensor::full({6, 4}, DType::f64, 0.25)), zero = t.var(Tensor::zeros({6, 4}, DType::f64));
  Tensor one = Tensor::zeros({6, 4}, DType::f64);
  for (std::int64_t i = 0; i < 6; ++i) one.set(4 * i + 2, 1);
  const double ln = std::log(4.0);
  CHECK(value(switch_balance(even)) == doctest::Approx(1).epsilon(1e-12));
  CHECK(value(switch_balance(t.var(one))) == doctest::Approx(4).epsilon(1e-12));
  CHECK(value(importance_loss(even)) == doctest::Approx(0));
  CHECK(value(importance_loss(t.var(one))) == doctest::Approx(3).epsilon(1e-12));  // E - 1
  CHECK(value(router_z_loss(zero)) == doctest::Approx(ln * ln).epsilon(1e-12));
  CHECK(value(local_entropy(zero)) == doctest::Approx(ln).epsilon(1e-12));
  CHECK(value(global_entropy(zero)) == doctest::Approx(-ln).epsilon(1e-12));
  for (const double g : t.gradient(importance_loss(even), even).values()) CHECK(g == 0);  // not NaN
}

TEST_CASE("global_entropy: going down its gradient spreads the routing") {
  Bench t;
  const Tensor start = listed({2, 3}, {2, 0, 0, 1, 0, -1});
  const Var logits = t.var(start);
  Tensor moved = start.clone();
  const Tensor g = t.gradient(global_entropy(logits), logits);
  for (std::int64_t i = 0; i < 6; ++i) moved.set(i, start.at(i) - 0.1 * g.at(i));
  const auto q_max = [&](const Tensor& l) {
    const Tensor p = softmax(t.var(l), {}).value();
    return p.at(0) + p.at(3);
  };
  CHECK(q_max(moved) < q_max(start));
}

TEST_CASE("routing losses: padding, and experts that do not exist, change neither value nor gradient") {
  const Tensor real = noise({5, 3}, 5);
  for (const auto& [name, loss] : losses) {
    CAPTURE(name);
    Bench t;
    const bool gates = name == losses[0].first || name == losses[1].first;
    const auto rows = [&](const Var& x) { return gates ? softmax(x, {}) : x; };
    const Var x = t.var(real);
    const Var expected = loss(rows(x), {}, {});
    const Tensor g = t.gradient(expected, x);

    Tensor padded = Tensor::full({8, 3}, DType::f64, 1e3), mask = Tensor::zeros({8}, DType::f64);
    for (std::int64_t i = 0; i < 5; ++i) mask.set(i, 1);
    for (std::int64_t i = 0; i < 15; ++i) padded.set(i, real.at(i));
    const Var longer = t.var(padded), found = loss(rows(longer), t.constant(mask), {});
    CHECK(value(found) == doctest::Approx(value(expected)).epsilon(1e-12));
    const Tensor h = t.gradient(found, longer);
    for (std::int64_t i = 0; i < 24; ++i) CHECK(std::abs(h.at(i) - (i < 15 ? g.at(i) : 0)) < 1e-12);

    const Var nothing = loss(rows(longer), t.constant(Tensor::zeros({8}, DType::f64)), {});
    CHECK(value(nothing) == (std::string(name) == "global_entropy" ? 2 : 0));  // max(0, tau - 0)
    for (const double d : t.gradient(nothing, longer).values()) CHECK(d == 0);
  }
}

TEST_CASE("routing losses: inside a cluster they are what they would be for that cluster alone") {
  const Tensor cluster = noise({5, 2}, 6);
  Tensor all = Tensor::full({5, 4}, DType::f64, 7), allowed = Tensor::zeros({4}, DType::f64);
  for (std::int64_t i = 0; i < 10; ++i) all.set(i / 2 * 4 + (i % 2 == 0 ? 0 : 3), cluster.at(i));
  allowed.set(0, 1), allowed.set(3, 1);
  for (const auto& [name, loss] : losses) {
    if (std::string(name) == "load_loss") continue;  // its noise above depends on the place
    CAPTURE(name);
    Bench t;
    const Var x = t.var(all);
    const Var inside = loss(x, {}, t.constant(allowed));
    CHECK(value(inside) == doctest::Approx(value(loss(t.var(cluster), {}, {}))).epsilon(1e-12));
    const Tensor g = t.gradient(inside, x);
    for (std::int64_t i = 0; i < 20; ++i)
      if (i % 4 == 1 || i % 4 == 2) CHECK(g.at(i) == 0);
  }
}
