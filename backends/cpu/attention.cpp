// Multi-head attention, one sample at a time: all its heads stay in cache. Head h is columns [h w, (h+1) w) of the
// tokens, read in place by products with the full width as row distance.
#include <cmath>

#include "backends/cpu/cpu.h"
#include "backends/cpu/gemm.h"
#include "backends/cpu/parallel.h"
#include "backends/cpu/scratch.h"
#include "backends/cpu/softmax_row.h"

namespace triptych::cpu {
namespace {

// f(b, h) for every sample and head. Work counts the multiplications, which outnumber the elements.
template <class F>
void each_head(const AttentionSizes& s, F f) {
  parallel_for(s.batch, s.batch * s.queries * s.keys * s.width / 16, [&](std::int64_t b) {
    for (std::int64_t h = 0; h < s.heads; ++h) f(b, h);
  });
}

void attention(const AttentionSizes& s, View q, View k, View v, View mask, View y, View probs) {
  dispatch(q.dtype, [&]<class T>(T) {
    const std::int64_t w = s.width / s.heads;
    const T scale = static_cast<T>(1 / std::sqrt(static_cast<double>(w)));
    each_head(s, [&](std::int64_t b, std::int64_t h) {
      const std::int64_t query = b * s.queries * s.width + h * w, key = b * s.keys * s.width + h * w;
      const T* real = mask ? mask.as<T>() + b * s.keys : nullptr;
      T* p = probs.as<T>() + (b * s.heads + h) * s.queries * s.keys;
      multiply_serial(Product<T>{.trans_b = true,
                                 .m = s.queries,
                                 .n = s.keys,
                                 .k = w,
                                 .alpha = scale,
                                 .a = q.as<T>() + query,
                                 .lda = s.width,
                                 .b = k.as<T>() + key,
                                 .ldb = s.width,
                                 .c = p,
                                 .ldc = s.keys});
      for (std::int64_t i = 0; i < s.queries; ++i) softmax_row(p + i * s.keys, real, p + i * s.keys, s.keys);
      multiply_serial(Product<T>{.m = s.queries,
                                 .n = w,
                                 .k = s.keys,
                                 .a = p,
                                 .lda = s.keys,
                                 .b = v.as<T>() + key,
                                 .ldb = s.width,
                                 .c = y.as<T>() + query,
                                 .ldc = s.width});
    });
  });
}

void attention_backward(const AttentionSizes& s, View dy, View q, View k, View v, View probs, View dq, View dk,
                        View dv) {
  dispatch(q.dtype, [&]<class T>(T) {
    const std::int64_t w = s.width / s.heads;
    const T scale = static_cast<T>(1 / std::sqrt(static_cast<double>(w)));
    each_head(s, [&](std::int64_t b, std::int64_t h) {
      const std::int64_t query = b * s.queries * s.width + h * w, key = b * s.keys * s.width + h * w;
      const T *p = probs.as<T>() + (b * s.heads + h) * s.queries * s.keys, *up = dy.as<T>() + query;
      const auto [ds] = scratch<T>(Slot::tile, s.queries * s.keys);
      multiply_serial(Product<T>{.trans_b = true,
                                 .m = s.queries,
                                 .n = s.keys,
                                 .k = w,
                                 .a = up,
                                 .lda = s.width,
                                 .b = v.as<T>() + key,
                                 .ldb = s.width,
                                 .c = ds,
                                 .ldc = s.keys});
      for (std::int64_t i = 0; i < s.queries; ++i)
        softmax_row_backward(p + i * s.keys, ds + i * s.keys, ds + i * s.keys, s.keys, scale);
      multiply_serial(Product<T>{.m = s.queries,
                                 .n = w,
                                 .k = s.keys,
                                 .a = ds,
                                 .lda = s.keys,
                                 .b = k.as<T>() + key,
                                 .ldb = s.width,
                                 .c = dq.as<T>() + query,
                                 .ldc = s.width});
      multiply_serial(Product<T>{.trans_a = true,
                                 .m = s.keys,
                                 .n = w,
                                 .k = s.queries,
                                 .a = ds,
                                 .lda = s.keys,
                                 .b = q.as<T>() + query,
                                 .ldb = s.width,
                                 .c = dk.as<T>() + key,
                                 .ldc = s.width});
      multiply_serial(Product<T>{.trans_a = true,
                                 .m = s.keys,
                                 .n = w,
                                 .k = s.queries,
                                 .a = p,
                                 .lda = s.keys,
                                 .b = up,
                                 .ldb = s.width,
                                 .c = dv.as<T>() + key,
                                 .ldc = s.width});
    });
  });
}

}  // namespace

void add_attention(Kernels& k) {
  k.attention = attention;
  k.attention_backward = attention_backward;
}

}  // namespace triptych::cpu
