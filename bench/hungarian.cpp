// Hungarian matching: how long it takes, and its costs for whoever wants to compare them.
//
//   triptych_bench_hungarian        seconds for 1,000 x 1,000 costs: uniform, whole numbers from 0 to 9, and sums of a
//   row
//                                   and a column term (every pairing costs the same)
//   triptych_bench_hungarian -      reads cases "n m cost_11 cost_12 ... cost_nm" from standard input, writes "cost
//                                   column_1 ... column_n" for each; bench/hungarian_scipy.py compares them with SciPy
#include <chrono>
#include <cstdio>
#include <iostream>

#include "core/rng.h"
#include "metrics/hungarian.h"

using namespace triptych;

namespace {

template <class F>
void time(const char* what, F&& cost_of) {
  constexpr std::int64_t n = 1000;
  Tensor cost({n, n}, DType::f64);
  for (std::int64_t i = 0; i < n * n; ++i) cost.set(i, cost_of(i / n, i % n));
  const auto start = std::chrono::steady_clock::now();
  const double least = metrics::hungarian(cost).cost;
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  std::printf("%-14s %.3f s   cost %.6g\n", what, taken.count(), least);
}

void answer() {
  std::int64_t n = 0, m = 0;
  while (std::cin >> n >> m) {
    Tensor cost({n, m}, DType::f64);
    for (std::int64_t i = 0; i < n * m; ++i) {
      double x = 0;
      std::cin >> x;
      cost.set(i, x);
    }
    const metrics::Assignment a = metrics::hungarian(cost);
    std::printf("%.17g", a.cost);
    for (const std::int64_t column : a.columns) std::printf(" %lld", static_cast<long long>(column));
    std::printf("\n");
  }
}

}  // namespace

int main(int argc, char**) {
  if (argc > 1) return answer(), 0;
  Rng rng(1);
  time("uniform", [&](auto, auto) { return rng.uniform(); });
  time("whole numbers", [&](auto, auto) { return rng.below(10); });
  time("all equal", [&](auto i, auto j) { return static_cast<double>(i) + 2 * static_cast<double>(j); });
}
