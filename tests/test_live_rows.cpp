// Rows of zeros in an upstream gradient are left out of products; what comes out is the same.
#include <doctest/doctest.h>

#include "core/rng.h"
#include "ops/composed.h"
#include "ops/linear.h"
#include "ops/live_rows.h"

using namespace triptych;

namespace {

Tensor random(Shape shape, std::uint64_t seed, DType dtype) {
  Tensor t(shape, dtype);
  Rng rng(seed);
  for (std::int64_t i = 0; i < t.size(); ++i) t.set(i, rng.normal());
  return t;
}

// Zero but in the given rows.
Tensor upstream(std::int64_t rows, std::int64_t width, const std::vector<std::int64_t>& live, DType dtype) {
  Tensor dy = Tensor::zeros({rows, width}, dtype);
  const Tensor values = random({rows, width}, 9, dtype);
  for (const std::int64_t r : live)
    for (std::int64_t j = 1; j < width; ++j) dy.set(r * width + j, values.at(r * width + j));  // column 0 stays 0
  return dy;
}

}  // namespace

TEST_CASE("live rows: half of them or fewer are moved together and back, else all are taken") {
  const std::int64_t rows = 100;
  std::vector<std::int64_t> half, more{0};
  for (std::int64_t r = 1; r < rows; r += 2) half.push_back(r), more.push_back(r);
  for (const Kernels* k : {&reference_kernels(), &cpu_kernels()})
    for (const DType dtype : {DType::f32, DType::f64}) {
      CHECK(LiveRows(*k, upstream(rows, 3, more, dtype), rows).count() == rows);
      CHECK(LiveRows(*k, upstream(rows, 3, half, dtype), rows).count() == rows / 2);
      CHECK(LiveRows(*k, upstream(rows, 3, {}, dtype), rows).count() == 1);
      const Tensor dy = upstream(rows, 3, {3, 50, 99}, dtype);
      const LiveRows live(*k, dy, rows);
      CHECK(live.of(dy).shape() == Shape{3, 3});
      CHECK(same_bits(live.among_zeros(live.of(dy), dy.shape()), dy));
    }
}

TEST_CASE("linear: the gradients of an upstream with rows of zeros are those of all rows") {
  for (const std::vector<std::int64_t>& live : {std::vector<std::int64_t>{}, {0}, {3, 50, 99}}) {
    Tape tape(cpu_kernels());
    const Var x = tape.variable(random({4, 25, 7}, 1, DType::f64)), w = tape.variable(random({5, 7}, 2, DType::f64)),
              b = tape.variable(random({5}, 3, DType::f64));
    const Tensor dy = upstream(100, 5, live, DType::f64).reshaped({4, 25, 5});
    const Gradients got = tape.gradients(linear(x, w, b), {x, w, b}, dy),
                    wanted = tape.gradients(composed::linear(x, w, b), {x, w, b}, dy);
    for (const Var& v : {x, w, b}) {
      REQUIRE(got[v].shape() == wanted[v].shape());
      for (std::int64_t i = 0; i < got[v].size(); ++i)
        CHECK(got[v].at(i) == doctest::Approx(wanted[v].at(i)).epsilon(1e-13));
    }
  }
}
