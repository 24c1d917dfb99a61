// What gradient surgery costs beside the backward passes, for m tasks and P parameters in float32.
//
//   triptych_bench_surgery [m] [P]        (default 4, 1000000)
//
// First the bandwidth: one pass that reads J and does next to nothing. Then J J^T with each method's weights, in units
// of that pass, and J^T w in units of the bytes that it moves. Each with J in memory: before every run the caches are
// filled with something else. Where J stays in a large cache the passes are shorter, and more of them are needed.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <vector>

#include "core/rng.h"
#include "optim/registry.h"

using namespace triptych;

namespace {

// Writes more than any cache holds.
void empty_caches() {
  static std::vector<char> other(std::size_t{128} << 20);
  for (std::size_t i = 0; i < other.size(); i += 64) ++other[i];
}

template <class F>
double best_time(F&& f) {
  using Clock = std::chrono::steady_clock;
  double best = std::numeric_limits<double>::infinity();
  for (int run = 0; run < 50; ++run) {
    empty_caches();
    const auto start = Clock::now();
    f();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  }
  return best;
}

// One pass over n floats, split over the threads, as fast as they can be read.
double read_pass(const float* x, std::int64_t n) {
  float total = 0;
#pragma omp parallel for schedule(static) num_threads(threads()) reduction(+ : total)
  for (std::int64_t begin = 0; begin < n; begin += 16384) {
    float lane[64] = {};
    const std::int64_t size = std::min<std::int64_t>(n - begin, 16384) / 64 * 64;
    for (std::int64_t i = 0; i < size; i += 64)
      for (int l = 0; l < 64; ++l) lane[l] += x[begin + i + l];
    for (const float each : lane) total += each;
  }
  return total;
}

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t m = argc > 1 ? std::atoll(argv[1]) : 4, p = argc > 2 ? std::atoll(argv[2]) : 1000000;
  if (m < 1 || p < 1) return std::fprintf(stderr, "usage: triptych_bench_surgery [m] [P]\n"), 2;
  const Kernels& k = cpu_kernels();
  Tensor j({m, p}, DType::f32);
  Rng rng(1);
  for (std::int64_t i = 0; i < j.size(); ++i) j.data<float>()[i] = static_cast<float>(rng.normal());
  [[maybe_unused]] volatile double sink = 0;
  const double bytes = static_cast<double>(j.bytes()),
               pass = best_time([&] { sink = read_pass(j.data<float>(), j.size()); });
  std::printf("one pass over J (%lld, %lld): %.3f ms, %.1f GB/s, %d threads\n\n", static_cast<long long>(m),
              static_cast<long long>(p), pass * 1e3, bytes / pass * 1e-9, threads());
  std::printf("| method | J J^T and weights, ms | passes | weights alone, us |\n| --- | --- | --- | --- |\n");
  for (const surgery::Method* method : gramian_methods()) {
    Tape tape(k);
    const Call call{*method, tape, {}, {}};
    const surgery::Gramian g = surgery::gramian(k, j);
    const double all = best_time([&] { method->weights(surgery::gramian(k, j), call); });
    const double alone = best_time([&] { method->weights(g, call); });
    std::printf("| %s | %.3f | %.2f | %.1f |\n", std::string(method->name).c_str(), all * 1e3, all / pass, alone * 1e6);
  }
  const surgery::Vector w = surgery::Vector::Ones(m);
  const double step = best_time([&] { surgery::combine(k, j, w); });
  std::printf("\nJ^T w: %.3f ms, %.2f passes of the bytes it moves\n", step * 1e3,
              step / pass * bytes / (bytes + bytes / static_cast<double>(m)));
  return 0;
}
