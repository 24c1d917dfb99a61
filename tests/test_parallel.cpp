// Loops over tiles when something goes wrong inside of them.
#include <atomic>
#include <stdexcept>

#include "tests/thread_helpers.h"

using namespace triptych;

TEST_CASE("parallel: what a tile throws arrives at the caller, on any number of threads") {
  const test::KeepThreads keep;
  for (const int n : {1, 2, 4}) {
    set_threads(n);
    CHECK(test::threads_at(8, cpu::small_work) == static_cast<std::size_t>(n));
    CHECK_THROWS_WITH_AS(cpu::parallel_tiles(80, 10, cpu::small_work,
                                             [](std::int64_t begin, std::int64_t) {
                                               if (begin >= 50) throw std::runtime_error("out of something");
                                             }),
                         "out of something", std::runtime_error);
  }
}

TEST_CASE("gemm: a product that the library refuses is an error, not an output left as it was") {
  if (!cpu_library().starts_with("oneDNN")) return;
  float a[4] = {1, 2, 3, 4}, c[4] = {};
  Gemm g;
  g.m = g.n = g.k = 2;
  g.ldc = 1;  // rows of C would overlap
  const View in{a, DType::f32}, out{c, DType::f32};
  CHECK_THROWS_AS(cpu_kernels().gemm(g, in, in, out), std::runtime_error);
}
