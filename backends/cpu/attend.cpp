// Weighted reading of tokens, one sample at a time, so that its tokens stay in cache for both products.
#include "backends/cpu/cpu.h"
#include "backends/cpu/gemm.h"
#include "backends/cpu/parallel.h"
#include "backends/cpu/scratch.h"
#include "backends/cpu/softmax_row.h"

namespace triptych::cpu {
namespace {

// The gradient of queries that the whole batch shares is summed over at most so many runs of samples.
constexpr std::int64_t most_runs = 16;

// C = alpha op(A) op(B) + beta C of packed matrices.
template <class T>
void multiply_packed(bool trans_a, bool trans_b, std::int64_t m, std::int64_t n, std::int64_t k, const T* a, const T* b,
                     T beta, T* c) {
  multiply_serial(Product<T>{.trans_a = trans_a,
                             .trans_b = trans_b,
                             .m = m,
                             .n = n,
                             .k = k,
                             .a = a,
                             .lda = trans_a ? m : k,
                             .b = b,
                             .ldb = trans_b ? k : n,
                             .beta = beta,
                             .c = c,
                             .ldc = n});
}

// p (n) = softmax of x with e^x counted weight times.
template <class T>
void weighted_softmax_row(const T* x, const T* weight, T* p, std::int64_t n) {
  double total = exponentials(x, weight, p, n).total;
  if (weight) {
    total = 0;
#pragma omp simd reduction(+ : total)
    for (std::int64_t j = 0; j < n; ++j) {
      p[j] *= weight[j];
      total += static_cast<double>(p[j]);
    }
  }
  const T inverse = static_cast<T>(total == 0 ? 0 : 1 / total);
#pragma omp simd
  for (std::int64_t j = 0; j < n; ++j) p[j] *= inverse;
}

std::int64_t work(const AttendSizes& s) { return s.batch * s.queries * s.tokens * s.width / 16; }

void attend(const AttendSizes& s, View q, View x, View weight, View y, View probs) {
  const std::int64_t queries = s.queries * s.width, tokens = s.tokens * s.width, maps = s.queries * s.tokens;
  dispatch(q.dtype, [&]<class T>(T) {
    parallel_for(s.batch, work(s), [&](std::int64_t b) {
      const T *from = x.as<T>() + b * tokens, *counts = weight ? weight.as<T>() + b * s.tokens : nullptr;
      T* p = probs.as<T>() + b * maps;
      multiply_packed(false, true, s.queries, s.tokens, s.width, q.as<T>() + (s.same_queries ? 0 : b * queries), from,
                      T{0}, p);
      for (std::int64_t i = 0; i < s.queries; ++i)
        weighted_softmax_row(p + i * s.tokens, counts, p + i * s.tokens, s.tokens);
      multiply_packed(false, false, s.queries, s.width, s.tokens, p, from, T{0}, y.as<T>() + b * queries);
    });
  });
}

void attend_backward(const AttendSizes& s, View dy, View q, View x, View probs, View dq, View dx) {
  const std::int64_t queries = s.queries * s.width, tokens = s.tokens * s.width, maps = s.queries * s.tokens;
  const std::int64_t run = s.same_queries ? (s.batch + most_runs - 1) / most_runs : 1;
  const std::int64_t runs = run > 0 ? (s.batch + run - 1) / run : 0;
  dispatch(q.dtype, [&]<class T>(T) {
    T* partial = dq && s.same_queries ? scratch<T>(Slot::caller, runs * queries)[0] : nullptr;
    parallel_for(runs, 2 * work(s), [&](std::int64_t r) {
      const auto [ds] = scratch<T>(Slot::tile, maps);
      for (std::int64_t b = r * run; b < std::min(s.batch, (r + 1) * run); ++b) {
        const T *from = x.as<T>() + b * tokens, *p = probs.as<T>() + b * maps, *up = dy.as<T>() + b * queries;
        multiply_packed(false, true, s.queries, s.tokens, s.width, up, from, T{0}, ds);
        for (std::int64_t i = 0; i < s.queries; ++i)
          softmax_row_backward(p + i * s.tokens, ds + i * s.tokens, ds + i * s.tokens, s.tokens, T{1});
        if (dq)
          multiply_packed(false, false, s.queries, s.width, s.tokens, ds, from, b > r * run ? T{1} : T{0},
                          partial ? partial + r * queries : dq.as<T>() + b * queries);
        if (!dx) continue;
        const T* query = q.as<T>() + (s.same_queries ? 0 : b * queries);
        multiply_packed(true, false, s.tokens, s.width, s.queries, ds, query, T{0}, dx.as<T>() + b * tokens);
        multiply_packed(true, false, s.tokens, s.width, s.queries, p, up, T{1}, dx.as<T>() + b * tokens);
      }
    });
    if (!partial) return;
    parallel_tiles(queries, small_work, queries * runs, [&](std::int64_t begin, std::int64_t end) {
      T* to = dq.as<T>();
      std::fill(to + begin, to + end, T{0});
      for (std::int64_t r = 0; r < runs; ++r)
#pragma omp simd
        for (std::int64_t i = begin; i < end; ++i) to[i] += partial[r * queries + i];
    });
  });
}

}  // namespace

void add_attend(Kernels& k) {
  k.attend = attend;
  k.attend_backward = attend_backward;
}

}  // namespace triptych::cpu
