// What must hold of the query banks whatever they have learned.
#include "core/error.h"
#include "models/query_banks/query_banks.h"
#include "ops/add.h"
#include "ops/linear.h"
#include "tests/scheme_codes.h"

using namespace triptych;
using namespace triptych::test;

namespace {

using Banks = Pass<QueryBanks>;

QueryBanksConfig config_of() { return {.width = 8, .private_queries = 3, .shared_queries = 2, .heads = 2}; }

std::vector<QueryBanksConfig> variants() {
  std::vector<QueryBanksConfig> list(7, config_of());
  list[1].block_per_bank = true;
  list[2].pre_norm = true;
  list[3].tanh_bridge = true;
  list[4].pre_norm = true, list[4].depth = 2;
  list[5].heads = 1, list[5].shared_queries = 1, list[5].private_queries = 2;  // absorbed
  list[6].pre_norm = true;
  list[6].experts = MoeConfig{.experts = 2, .shared_experts = 1, .hidden = 6, .k = 2};
  return list;
}

}  // namespace

TEST_CASE("query-banks: shapes of codes, tokens and maps for one, two and three modalities") {
  for (std::size_t modalities : {1, 2, 3})
    for (const QueryBanksConfig& config : variants()) {
      const std::vector<Fed> in = inputs(modalities, 4, 8);
      Banks p(config, in);
      REQUIRE(p.f.private_codes.size() == modalities);
      std::int64_t all = 0;
      for (std::size_t m = 0; m < modalities; ++m) {
        CHECK(p.f.private_codes[m].shape() == Shape{4, 8});
        CHECK(p.f.shared_codes[m].shape() == Shape{4, 8});
        CHECK(p.f.private_tokens[m].x.shape() == Shape{4, config.private_queries, 8});
        CHECK(p.f.shared_tokens[m].x.shape() == Shape{4, config.shared_queries, 8});
        all += in[m].x.shape()[1];
      }
      CHECK(p.f.joint.shape() == Shape{4, 8});
      CHECK(p.f.joint_tokens.x.shape() == Shape{4, config.shared_queries, 8});
      REQUIRE(p.f.attention.size() == 2 * modalities + 1);
      CHECK(p.f.attention[0].probs.shape() == Shape{4, config.heads, config.private_queries, 3});
      CHECK(p.f.attention[1].probs.shape() == Shape{4, config.heads, config.shared_queries, 3});
      CHECK(p.f.attention[2 * modalities].probs.shape() == Shape{4, config.heads, config.shared_queries, all});
      for (const AttentionMap& map : p.f.attention) {
        const std::int64_t n = map.probs.shape().back();
        for (std::int64_t row = 0; row < map.probs.value().size() / n; ++row) {
          double sum = 0;
          for (std::int64_t j = 0; j < n; ++j) sum += map.probs.value().at(row * n + j);
          CHECK(sum == doctest::Approx(1));
        }
      }
    }
}

TEST_CASE("query-banks: padding and the order of the batch change nothing") {
  const std::vector<std::int64_t> order = {2, 0, 3, 1};
  for (const QueryBanksConfig& config : variants()) {
    const std::vector<Fed> in = inputs(2, 4, 8);
    Banks plain(config, in), longer(config, {padded(in[0], 5), padded(in[1], 2)}),
        turned(config, {{rows(in[0].x, order), {}}, {rows(in[1].x, order), {}}});
    for (std::size_t i = 0; i < plain.codes().size(); ++i) {
      CHECK(difference(plain.codes()[i], longer.codes()[i]) < 1e-12);
      CHECK(difference(rows(plain.codes()[i], order), turned.codes()[i]) < 1e-12);
    }
  }
}

TEST_CASE("query-banks: private codes do not depend on a foreign modality, open or shut") {
  for (const QueryBanksConfig& config : variants())
    for (const double gate : {0.0, 1.0}) {
      Banks p(config, inputs(3, 4, 8), gate);
      for (std::size_t m = 0; m < 3; ++m)
        for (std::size_t other = 0; other < 3; ++other)
          CHECK((largest(p.gradient(p.f.private_codes[m], p.tokens[other])) > 0) == (m == other));
    }
}

TEST_CASE("query-banks: a shut bridge gives zeros and rests the shared parameters") {
  for (const bool per_bank : {false, true}) {
    QueryBanksConfig config = config_of();
    config.block_per_bank = per_bank;
    Banks p(config, inputs(2, 4, 8), 0);
    for (const Var& code : {p.f.shared_codes[0], p.f.shared_codes[1], p.f.joint}) {
      CHECK(largest(code.value()) == 0);
      CHECK_FALSE(code.requires_grad());
    }
    const std::vector<Tensor> g = p.parameter_gradients(p.f.private_codes[0]);
    for (std::size_t i = 0; i < g.size(); ++i)
      if (p.parameters[i].shared) CHECK_FALSE(g[i]);
    // The private codes are those of an open bridge.
    Banks open(config, inputs(2, 4, 8), 1);
    CHECK(difference(p.f.private_codes[0].value(), open.f.private_codes[0].value()) < 1e-14);
    CHECK(largest(open.f.joint.value()) > 0);
  }
}

TEST_CASE("query-banks: the tanh bridge starts shut and is opened by its own gradient") {
  QueryBanksConfig config = config_of();
  config.tanh_bridge = true;
  Banks p(config, inputs(2, 4, 8), 0);
  CHECK(largest(p.f.joint.value()) == 0);
  const std::vector<Tensor> g = p.parameter_gradients(p.f.joint);
  for (std::size_t i = 0; i < g.size(); ++i)
    if (p.parameters[i].name == "shared.alpha") {
      CHECK(largest(g[i]) > 0);
      p.parameters[i].value.set(0, 0.5);
    }
  p.run(inputs(2, 4, 8), 0);
  CHECK(largest(p.f.joint.value()) > 0);
}

TEST_CASE("query-banks: a sample without a modality has zeros for its codes, and the others do not change") {
  for (const QueryBanksConfig& config : variants()) {
    std::vector<Fed> in = inputs(2, 4, 8);
    Banks full(config, in);
    in[1].mask = Tensor::full({4, 4}, DType::f64, 1);
    for (std::int64_t j = 0; j < 4; ++j) in[1].mask.set(2 * 4 + j, 0);
    Banks part(config, in), alone(config, {in[0], {}});
    for (std::int64_t j = 0; j < 8; ++j) {
      CHECK(part.f.private_codes[1].value().at(2 * 8 + j) == 0);
      CHECK(part.f.shared_codes[1].value().at(2 * 8 + j) == 0);
      CHECK(std::abs(part.f.joint.value().at(2 * 8 + j) - alone.f.joint.value().at(2 * 8 + j)) < 1e-12);
      CHECK(std::abs(part.f.joint.value().at(j) - full.f.joint.value().at(j)) < 1e-12);
    }
    CHECK_FALSE(alone.f.private_codes[1]);
    CHECK_FALSE(alone.f.shared_codes[1]);
  }
}

TEST_CASE("query-banks: every query counts, also after their number has changed") {
  for (const std::int64_t count : {2, 5}) {
    QueryBanksConfig config = config_of();
    config.private_queries = count;
    Banks p(config, inputs(2, 4, 8));
    CHECK(p.f.private_tokens[0].x.shape() == Shape{4, count, 8});
    const std::vector<Tensor> g = p.parameter_gradients(p.f.private_codes[0]);
    for (std::size_t i = 0; i < g.size(); ++i)
      if (p.parameters[i].name == "m0.queries") {
        REQUIRE(g[i].shape() == Shape{count, 8});
        for (std::int64_t q = 0; q < count; ++q) {
          double worst = 0;
          for (std::int64_t j = 0; j < 8; ++j) worst = std::max(worst, std::abs(g[i].at(q * 8 + j)));
          CHECK(worst > 0);
        }
      }
  }
}

TEST_CASE("query-banks: one reading for both banks is the two readings") {
  const std::vector<Fed> in = inputs(2, 4, 8);
  Banks together(config_of(), in), apart(config_of(), in, 1, true, {true, true, true, true}, false);
  for (std::size_t i = 0; i < together.codes().size(); ++i)
    CHECK(difference(together.codes()[i], apart.codes()[i]) < 1e-14);
  for (std::size_t i = 0; i < together.f.attention.size(); ++i)
    CHECK(difference(together.f.attention[i].probs.value(), apart.f.attention[i].probs.value()) < 1e-14);
}

TEST_CASE("query-banks: codes alone are those that tokens and maps come with, and so are their gradients") {
  const std::vector<Fed> in = {inputs(2, 4, 8)[0], padded(inputs(2, 4, 8)[1], 2)};
  for (const bool tanh_bridge : {false, true}) {
    QueryBanksConfig config{.width = 8, .private_queries = 2, .shared_queries = 1, .heads = 1};  // absorbed everywhere
    config.tanh_bridge = tanh_bridge;
    Banks all(config, in), alone(config, in);
    for (Banks* p : {&all, &alone}) {
      for (Parameter& parameter : p->parameters)
        if (parameter.name == "shared.alpha") parameter.value.set(0, 0.4);
      p->run(in, 1, true, p == &all ? Wanted{true, true, true, true} : Wanted{});
    }
    CHECK_FALSE(alone.f.private_tokens.size() + alone.f.attention.size() > 0);
    for (std::size_t i = 0; i < all.codes().size(); ++i) CHECK(difference(all.codes()[i], alone.codes()[i]) < 1e-14);
    const std::vector<Tensor> a = all.parameter_gradients(all.f.shared_codes[1]),
                              b = alone.parameter_gradients(alone.f.shared_codes[1]);
    for (std::size_t i = 0; i < a.size(); ++i)
      CHECK((a[i] && b[i] ? difference(a[i], b[i]) : largest(a[i]) + largest(b[i])) < 1e-13);
  }
}

TEST_CASE("query-banks: the absorbed form is the projected one, and no key bias could be seen") {
  Parameters parameters;
  const CrossAttention layer(Init(parameters, DType::f64, 2), "a", 8, 2);
  Tape tape(cpu_kernels());
  Context c(tape, parameters);
  c.begin(true);
  const Var x = tape.variable(drawn({3, 5, 8}, 1)), q = tape.variable(drawn({3, 2, 8}, 2)),
            bias = tape.constant(drawn({8}, 3));
  Tensor mask = Tensor::full({3, 5}, DType::f64, 1);
  mask.set(3, 0);
  const Var weight = tape.constant(mask);
  const Readable absorbed{x, weight, {}, {}}, projected{x, weight, linear(x, c[layer.key], bias), layer.value(c, x)};
  const Reading a = layer(c, q, absorbed, Maps::constant), b = layer(c, q, projected, Maps::constant),
                open = layer(c, q, absorbed, Maps::differentiable);
  CHECK(difference(a.y.value(), b.y.value()) < 1e-14);
  CHECK(difference(a.maps.value(), b.maps.value()) < 1e-14);
  CHECK(difference(a.y.value(), open.y.value()) < 1e-14);
  CHECK(difference(a.maps.value(), open.maps.value()) < 1e-14);
  CHECK(open.maps.requires_grad());
  const Tensor up = drawn(a.y.shape(), 4);
  std::vector<Var> wrt(c.parameters().begin(), c.parameters().end());
  wrt.push_back(x);
  wrt.push_back(q);
  const Gradients ga = tape.gradients(a.y, wrt, up), gb = tape.gradients(b.y, wrt, up);
  for (std::size_t i = 0; i < wrt.size(); ++i) CHECK(difference(ga.tensors()[i], gb.tensors()[i]) < 1e-13);
}

TEST_CASE("query-banks: the same bits on any number of threads, in loops that are shared out") {
  QueryBanksConfig config{.width = 64, .heads = 4};
  const int before = threads();
  std::vector<std::vector<Tensor>> found;
  for (const int n : {1, 3}) {
    set_threads(n);
    Banks p(config, inputs(2, 256, 64, DType::f32));
    found.push_back(p.codes());
    for (const Tensor& g : p.parameter_gradients(p.f.joint)) found.back().push_back(g);
  }
  set_threads(before);
  for (std::size_t n = 1; n < found.size(); ++n)
    for (std::size_t i = 0; i < found[0].size(); ++i)
      if (found[0][i]) CHECK(same_bits(found[0][i], found[n][i]));
}

TEST_CASE("query-banks: impossible sizes are refused") {
  Parameters parameters;
  const Init init(parameters, DType::f64, 1);
  const std::vector<EncodedWidths> widths = {{"a", 8, 8, true}};
  QueryBanksConfig config = config_of();
  config.heads = 3;
  CHECK_THROWS_WITH_AS(QueryBanks(init, widths, config), "query_banks.heads = 3 must be a divisor of model.width = 8",
                       Error);
  config = config_of();
  config.shared_queries = 0;
  CHECK_THROWS_WITH_AS(QueryBanks(init, widths, config), "every bank needs at least 1 query", Error);
}

TEST_CASE("query-banks: gradients of every option agree with finite differences") { check_gradients("query-banks"); }
