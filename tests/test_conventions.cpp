// What the ops do where the maths leaves a choice: kinks, empty rows, missing kernels.
#include <doctest/doctest.h>

#include <cmath>

#include "core/error.h"
#include "core/gradcheck.h"
#include "core/rng.h"
#include "ops/attend.h"
#include "ops/attention.h"
#include "ops/cross_entropy.h"
#include "ops/dropout.h"
#include "ops/feed_forward.h"
#include "ops/gru_cell.h"
#include "ops/gumbel_keep.h"
#include "ops/layer_norm.h"
#include "ops/masked_mean.h"
#include "ops/relu.h"
#include "ops/row_normalise.h"
#include "ops/scale_rows.h"
#include "ops/slot_competition.h"
#include "ops/softmax.h"
#include "ops/sqrt.h"

using namespace triptych;

namespace {

using Values = std::vector<double>;

Tensor tensor(Shape shape, Values values) { return Tensor::from(shape, std::span<const double>(values), DType::f64); }
Tensor ones(const Shape& shape) { return Tensor::full(shape, DType::f64, 1); }
Values gradient(const Var& y, const Var& x, const Tensor& upstream = {}) {
  return x.tape().gradients(y, {x}, upstream ? upstream : ones(y.shape()))[x].values();
}

// The case once on each backend.
template <class F>
void on_each_backend(F&& f) {
  for (const Kernels* k : {&reference_kernels(), &cpu_kernels()}) {
    CAPTURE(k->name);
    Tape tape(*k);
    f(tape);
  }
}

}  // namespace

TEST_CASE("conventions: the derivative at a kink is 0") {
  on_each_backend([](Tape& tape) {
    const Var x = tape.variable(tensor({3}, {0, 4, 9}));
    CHECK(gradient(relu(x), x) == Values{0, 1, 1});
    CHECK(gradient(sqrt(x), x) == Values{0, 0.25, 1.0 / 6});
  });
}

TEST_CASE("conventions: a zero row normalises to zero with gradient zero") {
  on_each_backend([](Tape& tape) {
    const Var x = tape.variable(tensor({2, 2}, {0, 0, 3, 4}));
    const Var y = row_normalise(x);
    CHECK(y.value().values() == Values{0, 0, 0.6, 0.8});
    const Values g = gradient(y, x, tensor({2, 2}, {1, 2, 4, -3}));
    CHECK(g[0] == 0);
    CHECK(g[1] == 0);
    CHECK(g[2] == doctest::Approx(0.8));
    CHECK(g[3] == doctest::Approx(-0.6));
  });
}

TEST_CASE("conventions: where every entry is masked, values and gradients are zero") {
  on_each_backend([](Tape& tape) {
    const Var none = tape.constant(Tensor::zeros({2, 3}, DType::f64));
    const Var row = tape.variable(tensor({2, 3}, {1, 2, 3, -1, 0, 5}));
    const Var tokens = tape.variable(Tensor::full({2, 3, 2}, DType::f64, 0.5));
    const Var p = softmax(row, none), m = masked_mean(tokens, none), a = attention(tokens, tokens, tokens, none, 1).y,
              r = attend(tokens, tokens, none).y, s = slot_competition(row, none).weights;
    for (const Var& y : {p, m, a, r, s})
      CHECK(y.value().values() == Values(static_cast<std::size_t>(y.value().size()), 0));
    CHECK(gradient(p, row) == Values(6, 0));
    CHECK(gradient(m, tokens) == Values(12, 0));
    CHECK(gradient(a, tokens) == Values(12, 0));
    CHECK(gradient(r, tokens) == Values(12, 0));
    CHECK(gradient(s, row) == Values(6, 0));
  });
}

TEST_CASE("conventions: rows of width one are certain, constant rows normalise to beta") {
  on_each_backend([](Tape& tape) {
    const Var x = tape.variable(tensor({3, 1}, {-2, 0, 700}));
    CHECK(softmax(x).value().values() == Values{1, 1, 1});
    CHECK(gradient(softmax(x), x) == Values{0, 0, 0});
    const Tensor zero = Tensor::from({3}, std::span<const std::int32_t>(std::vector<std::int32_t>{0, 0, 0}));
    const Var loss = cross_entropy(x, tape.constant(zero));
    CHECK(loss.value().item() == 0);
    CHECK(gradient(loss, x) == Values{0, 0, 0});
    const Var gamma = tape.variable(ones({1})), beta = tape.variable(tensor({1}, {7}));
    const Var y = layer_norm(x, gamma, beta);
    CHECK(y.value().values() == Values{7, 7, 7});
    CHECK(gradient(y, x) == Values{0, 0, 0});
    CHECK(gradient(y, beta) == Values{3});
  });
}

TEST_CASE("conventions: layer_norm of rows far from zero is as good in float32 as its input") {
  Rng rng(1);
  Tensor x({3, 64}, DType::f32), up({3, 64}, DType::f32);
  for (std::int64_t i = 0; i < x.size(); ++i) {
    x.set(i, 1000 + 0.01 * rng.normal());
    up.set(i, rng.normal());
  }
  const auto gradient_of_x = [&](const Kernels& k, DType dtype) {
    Tape tape(k);
    const Tensor value = Tensor::from(x.shape(), std::span<const double>(x.values()), dtype);
    const Var v = tape.variable(value), gamma = tape.variable(Tensor::full({64}, dtype, 1));
    const Tensor upstream = Tensor::from(x.shape(), std::span<const double>(up.values()), dtype);
    return gradient(layer_norm(v, gamma, tape.variable(Tensor::zeros({64}, dtype)), 1e-5), v, upstream);
  };
  const Values exact = gradient_of_x(reference_kernels(), DType::f64);
  double largest = 0;
  for (const double g : exact) largest = std::max(largest, std::abs(g));
  for (const Kernels* k : {&reference_kernels(), &cpu_kernels()}) {
    CAPTURE(k->name);
    const Values rounded = gradient_of_x(*k, DType::f32);
    for (std::size_t i = 0; i < exact.size(); ++i) CHECK(std::abs(rounded[i] - exact[i]) < 1e-5 * largest);
  }
}

TEST_CASE("conventions: a mask or weight that wants a gradient is refused, not ignored") {
  Tape tape(reference_kernels());
  const Var x = tape.variable(ones({2, 3})), w = tape.variable(ones({2})), mask = tape.variable(ones({2, 3}));
  CHECK_THROWS_WITH_AS(scale_rows(x, w), "[scale_rows] s must be a constant: no gradient flows into it", Error);
  CHECK_THROWS_WITH_AS(softmax(x, mask), "[softmax] mask must be a constant: no gradient flows into it", Error);
}

TEST_CASE("conventions: a device without the fused kernels takes the composed forms") {
  Kernels bare = reference_kernels();
  bare.attention = nullptr;
  bare.feed_forward = nullptr;
  bare.attend = nullptr;
  bare.gru_gates = nullptr;
  bare.slot_competition = nullptr;
  for (const OpInfo* op :
       {&attention_info(), &feed_forward_info(), &attend_info(), &gru_cell_info(), &slot_competition_info()})
    for (const Sample& sample : op->samples) {
      const GradcheckResult r = gradcheck(*op, sample, bare);
      CHECK_MESSAGE(r.pass, r.reason);
    }
}

TEST_CASE("conventions: dropout keeps the stated share, keeps the mean, and repeats itself") {
  Tape tape(cpu_kernels());
  const Var x = tape.variable(ones({100, 101}));
  const Var y = dropout(x, 0.3, 5, 1);
  double kept = 0, mean = 0;
  for (const double v : y.value().values()) {
    kept += (v != 0) / 10100.0;
    mean += v / 10100;
  }
  CHECK(std::abs(kept - 0.7) < 0.02);  // four standard deviations
  CHECK(std::abs(mean - 1) < 0.03);
  CHECK(same_bits(y.value(), dropout(x, 0.3, 5, 1).value()));
  CHECK_FALSE(same_bits(y.value(), dropout(x, 0.3, 5, 2).value()));
  CHECK(dropout(x, 0, 5, 1) == x);
}

TEST_CASE("conventions: the hard keep gate is the rounded soft one and has its gradient") {
  on_each_backend([](Tape& tape) {
    const Var a = tape.variable(tensor({6}, {-3, -0.5, 0, 0.1, 0.5, 3}));
    for (const bool noise : {true, false}) {
      const Var soft = gumbel_keep(a, {.tau = 0.7, .noise = noise, .hard = false, .seed = 5}),
                hard = gumbel_keep(a, {.tau = 0.7, .noise = noise, .seed = 5});
      for (std::int64_t i = 0; i < 6; ++i) CHECK(hard.value().at(i) == (soft.value().at(i) > 0.5 ? 1 : 0));
      CHECK(gradient(hard, a) == gradient(soft, a));
    }
    CHECK(gumbel_keep(a, {.noise = false}).value().values() == Values{0, 0, 0, 1, 1, 1});
  });
}

TEST_CASE("conventions: a keep gate is open as often as its probability says") {
  Tape tape(cpu_kernels());
  const Var a = tape.constant(Tensor::full({20000}, DType::f32, std::log(3.0)));
  double kept = 0;
  for (const double v : gumbel_keep(a, {.seed = 3}).value().values()) kept += v / 20000;
  CHECK(std::abs(kept - 0.75) < 0.0125);  // four standard deviations
}

TEST_CASE("conventions: a slot that may read nothing reads nothing, whatever eps is") {
  on_each_backend([](Tape& tape) {
    const Var logits = tape.variable(tensor({2, 3}, {1, 2, 3, 4, 5, 6}));
    const Var permission = tape.constant(tensor({2, 3}, {1, 1, 0, 0, 0, 0}));
    const SlotCompetition s = slot_competition(logits, permission, 1e-8);
    CHECK(s.shares.value().values() == Values{1, 1, 0, 0, 0, 0});
    for (std::int64_t i = 2; i < 6; ++i) CHECK(s.weights.value().at(i) == 0);
  });
}
