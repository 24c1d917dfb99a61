// Multi-head attention on projected tokens (Vaswani et al. 2017, eq. 1), head h owning columns [h w, (h+1) w):
//
//   forward   s = q k^T / sqrt(w),   p = softmax(s) over the real keys,   y = p v
//   backward  dp = dy v^T,   ds = p (dp - sum_j p dp),   dq = ds k / sqrt(w),   dk = ds^T q / sqrt(w),   dv = p^T dy
//
// A query none of whose keys is real has p = 0 and y = 0.
#include <algorithm>
#include <type_traits>
#include <vector>

#include "backends/reference/naive.h"

namespace triptych::reference {
namespace {

void softmax_row(const double* s, const auto* real, auto* p, std::int64_t n) {
  double top = -INFINITY, total = 0;
  for (std::int64_t j = 0; j < n; ++j)
    if (!real || real[j] != 0) top = std::max(top, s[j]);
  for (std::int64_t j = 0; j < n; ++j) total += !real || real[j] != 0 ? std::exp(s[j] - top) : 0;
  for (std::int64_t j = 0; j < n; ++j) {
    const double e = !real || real[j] != 0 ? std::exp(s[j] - top) : 0;
    p[j] = static_cast<std::remove_reference_t<decltype(*p)>>(total == 0 ? 0 : total > 0 ? e / total : total);
  }
}

void attention(const AttentionSizes& s, View q, View k, View v, View mask, View y, View probs) {
  const std::int64_t w = s.width / s.heads;
  const double scale = 1 / std::sqrt(static_cast<double>(w));
  std::vector<double> logits(static_cast<std::size_t>(s.keys));
  dispatch(q.dtype, [&]<class T>(T) {
    for (std::int64_t b = 0; b < s.batch; ++b)
      for (std::int64_t h = 0; h < s.heads; ++h)
        for (std::int64_t i = 0; i < s.queries; ++i) {
          const T* qi = q.as<T>() + (b * s.queries + i) * s.width + h * w;
          T* p = probs.as<T>() + ((b * s.heads + h) * s.queries + i) * s.keys;
          for (std::int64_t j = 0; j < s.keys; ++j) {
            const T* kj = k.as<T>() + (b * s.keys + j) * s.width + h * w;
            double dot = 0;
            for (std::int64_t c = 0; c < w; ++c) dot += static_cast<double>(qi[c]) * kj[c];
            logits[static_cast<std::size_t>(j)] = dot * scale;
          }
          softmax_row(logits.data(), mask ? mask.as<T>() + b * s.keys : nullptr, p, s.keys);
          for (std::int64_t c = 0; c < w; ++c) {
            double out = 0;
            for (std::int64_t j = 0; j < s.keys; ++j)
              out += static_cast<double>(p[j]) * v.as<T>()[(b * s.keys + j) * s.width + h * w + c];
            y.as<T>()[(b * s.queries + i) * s.width + h * w + c] = static_cast<T>(out);
          }
        }
  });
}

void attention_backward(const AttentionSizes& s, View dy, View q, View k, View v, View probs, View dq, View dk,
                        View dv) {
  const std::int64_t w = s.width / s.heads;
  const double scale = 1 / std::sqrt(static_cast<double>(w));
  std::vector<double> ds(static_cast<std::size_t>(s.queries * s.keys));
  dispatch(q.dtype, [&]<class T>(T) {
    for (std::int64_t b = 0; b < s.batch; ++b)
      for (std::int64_t h = 0; h < s.heads; ++h) {
        const auto query = [&](View x, std::int64_t i) { return x.as<T>() + (b * s.queries + i) * s.width + h * w; };
        const auto key = [&](View x, std::int64_t j) { return x.as<T>() + (b * s.keys + j) * s.width + h * w; };
        const T* p = probs.as<T>() + (b * s.heads + h) * s.queries * s.keys;
        for (std::int64_t i = 0; i < s.queries; ++i) {
          double* row = ds.data() + i * s.keys;
          double total = 0;
          for (std::int64_t j = 0; j < s.keys; ++j) {
            row[j] = 0;
            for (std::int64_t c = 0; c < w; ++c) row[j] += static_cast<double>(query(dy, i)[c]) * key(v, j)[c];
            total += p[i * s.keys + j] * row[j];
          }
          for (std::int64_t j = 0; j < s.keys; ++j)
            row[j] = p[i * s.keys + j] * (row[j] - TRIPTYCH_TERM("attention.row_sum", total));
          for (std::int64_t c = 0; c < w; ++c) {
            double sum = 0;
            for (std::int64_t j = 0; j < s.keys; ++j) sum += row[j] * key(k, j)[c];
            query(dq, i)[c] = static_cast<T>(sum * TRIPTYCH_FACTOR("attention.scale_dq", scale));
          }
        }
        for (std::int64_t j = 0; j < s.keys; ++j)
          for (std::int64_t c = 0; c < w; ++c) {
            double sum_k = 0, sum_v = 0;
            for (std::int64_t i = 0; i < s.queries; ++i) {
              sum_k += ds[static_cast<std::size_t>(i * s.keys + j)] * query(q, i)[c];
              sum_v += static_cast<double>(p[i * s.keys + j]) * query(dy, i)[c];
            }
            key(dk, j)[c] = static_cast<T>(sum_k * TRIPTYCH_FACTOR("attention.scale_dk", scale));
            key(dv, j)[c] = static_cast<T>(sum_v);
          }
      }
  });
}

}  // namespace

void add_attention(Kernels& k) {
  k.attention = attention;
  k.attention_backward = attention_backward;
}

}  // namespace triptych::reference
