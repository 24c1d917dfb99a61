#include <doctest/doctest.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/rng.h"
#include "core/tape.h"

using namespace triptych;

namespace {

Var product(Var a, Var b) {
  const Kernels& k = a.kernels();
  Tensor y(a.shape(), a.dtype());
  k.binary(Binary::mul, a.value().view(), b.value().view(), y.view(), y.size(), y.size());
  return record("product", y, {a, b}, [&k, a = a.value(), b = b.value()](const Tensor& dy) -> Grads {
    Tensor da(a.shape(), a.dtype()), db(b.shape(), b.dtype());
    k.binary(Binary::mul, dy.view(), b.view(), da.view(), dy.size(), dy.size());
    k.binary(Binary::mul, dy.view(), a.view(), db.view(), dy.size(), dy.size());
    return {da, db};
  });
}

Tensor number(double x) { return Tensor::scalar(x, DType::f64); }

}  // namespace

TEST_CASE("tape: gradients are returned values, and a node used twice adds both") {
  Tape tape(reference_kernels());
  Var x = tape.variable(number(3)), y = tape.variable(number(5));
  Var z = product(product(x, x), y);  // x^2 y
  const Gradients g = tape.gradients(z, {x, y});
  CHECK(g[x].item() == 30);
  CHECK(g[y].item() == 9);
  const Gradients again = tape.gradients(z, {x, y}, number(-2));
  CHECK(again[x].item() == -60);
  CHECK(g[x].item() == 30);  // the first answer is not touched by the second
}

TEST_CASE("tape: a constant gets no gradient and an unrelated variable a null one") {
  Tape tape(reference_kernels());
  Var x = tape.variable(number(3)), c = tape.constant(number(4)), other = tape.variable(number(1));
  const Gradients g = tape.gradients(product(x, c), {x, other});
  CHECK(g[x].item() == 4);
  CHECK_FALSE(g[other]);
  CHECK_THROWS_AS(g[c], Error);
}

TEST_CASE("tape: what a Var refers to stays where it is while ops record") {
  Tape tape(reference_kernels());
  Var x = tape.variable(number(3));
  const Tensor* value = &x.value();
  for (int i = 0; i < 5000; ++i) product(x, x);
  CHECK(&x.value() == value);
}

TEST_CASE("tape: a chain of 200,000 nodes needs no recursion") {
  Tape tape(reference_kernels());
  Var one = tape.constant(number(1)), x = tape.variable(number(2)), y = x;
  for (int i = 0; i < 200000; ++i) y = product(y, one);
  CHECK(tape.gradients(y, {x})[x].item() == 1);
}

TEST_CASE("tape: a non-scalar output wants an upstream gradient of its own shape") {
  Tape tape(reference_kernels());
  Var x = tape.variable(Tensor::zeros({2, 3}, DType::f64));
  CHECK_THROWS_WITH_AS(tape.gradients(x, {x}),
                       "[gradients] output must be a scalar when no upstream is given, got (2, 3)", Error);
  CHECK_THROWS_WITH_AS(tape.gradients(x, {x}, Tensor::zeros({3}, DType::f64)),
                       "[gradients] upstream must have the shape of the output (2, 3), got (3)", Error);
}

TEST_CASE("arena: the second step takes nothing from the system") {
  auto step = [](Tape& tape) {
    tape.clear();
    Var x = tape.variable(Tensor::zeros({64, 33}, DType::f32));
    Var y = product(product(x, x), x);
    tape.gradients(y, {x}, Tensor::full({64, 33}, DType::f32, 1));
  };
  Tape tape(reference_kernels());
  step(tape);
  const auto before = arena::stats().system_allocations;
  for (int i = 0; i < 5; ++i) step(tape);
  CHECK(arena::stats().system_allocations == before);
}

TEST_CASE("arena: blocks are 64-byte aligned and large enough at every size") {
  for (std::int64_t n = 1; n < 5000; n += 7) {
    Tensor t = Tensor::full({n}, DType::f64, 1.5);
    CHECK(reinterpret_cast<std::uintptr_t>(t.data<double>()) % 64 == 0);
    CHECK(t.at(n - 1) == 1.5);
  }
}

TEST_CASE("rng: Philox 4x32-10 gives the published answers") {
  // Known-answer vectors of Salmon et al. 2011 (Random123, kat_vectors).
  CHECK(philox({0, 0, 0, 0}, {0, 0}) == std::array<std::uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}) ==
        std::array<std::uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
}

TEST_CASE("rng: moments, and streams do not repeat one another") {
  Rng a(7, 0), b(7, 1);
  double mean = 0, square = 0, cross = 0;
  const int n = 100000;
  for (int i = 0; i < n; ++i) {
    const double u = a.normal(), v = b.normal();
    mean += u / n;
    square += u * u / n;
    cross += u * v / n;
  }
  CHECK(std::abs(mean) < 0.015);
  CHECK(std::abs(square - 1) < 0.02);
  CHECK(std::abs(cross) < 0.015);
}

TEST_CASE("tape: real values of two types do not meet; whole numbers come beside either") {
  Tape tape(reference_kernels());
  tape.constant(Tensor::zeros({2}, DType::i32));
  tape.variable(number(3));
  tape.constant(Tensor::zeros({2}, DType::i32));
  CHECK_THROWS_WITH_AS(tape.constant(Tensor::scalar(1, DType::f32)),
                       doctest::Contains("a constant of float32 came onto a tape of float64 values"), Error);
  CHECK_THROWS_AS(tape.variable(Tensor::scalar(1, DType::f32)), Error);
  CHECK(tape.size() == 3);
  tape.clear();
  CHECK(tape.variable(Tensor::scalar(1, DType::f32)).dtype() == DType::f32);
}
