// Weighted reading of tokens: q (B,r,d) or (r,d), x (B,L,d), weight (B,L) at least 0, or absent:
//
//   forward   s = q x^T,   p_j = weight_j e^{s_j} / sum_j weight_j e^{s_j},   y = p x
//   backward  dp = dy x^T,   ds = p (dp - sum_j p dp),   dq = ds x (summed over B when q is (r,d)),   dx = ds^T q + p^T
//   dy
//
// A query none of whose tokens has weight has p = 0 and y = 0.
#include <algorithm>
#include <vector>

#include "backends/reference/naive.h"

namespace triptych::reference {
namespace {

void attend(const AttendSizes& s, View q, View x, View weight, View y, View probs) {
  std::vector<double> e(static_cast<std::size_t>(s.tokens));
  dispatch(q.dtype, [&]<class T>(T) {
    for (std::int64_t b = 0; b < s.batch; ++b) {
      const T* tokens = x.as<T>() + b * s.tokens * s.width;
      const auto weight_of = [&](std::int64_t j) { return weight ? weight.as<T>()[b * s.tokens + j] : T{1}; };
      for (std::int64_t i = 0; i < s.queries; ++i) {
        const T* query = q.as<T>() + ((s.same_queries ? 0 : b * s.queries) + i) * s.width;
        T* p = probs.as<T>() + (b * s.queries + i) * s.tokens;
        T* out = y.as<T>() + (b * s.queries + i) * s.width;
        double top = -INFINITY, total = 0;
        for (std::int64_t j = 0; j < s.tokens; ++j) {
          double dot = 0;
          for (std::int64_t c = 0; c < s.width; ++c) dot += static_cast<double>(query[c]) * tokens[j * s.width + c];
          e[static_cast<std::size_t>(j)] = dot;
          if (weight_of(j) > 0) top = std::max(top, dot);
        }
        for (std::int64_t j = 0; j < s.tokens; ++j) {
          double& ej = e[static_cast<std::size_t>(j)];
          ej = weight_of(j) > 0 ? weight_of(j) * std::exp(ej - top) : 0;
          total += ej;
        }
        for (std::int64_t j = 0; j < s.tokens; ++j)
          p[j] = static_cast<T>(total == 0 ? 0 : e[static_cast<std::size_t>(j)] / total);
        for (std::int64_t c = 0; c < s.width; ++c) {
          double sum = 0;
          for (std::int64_t j = 0; j < s.tokens; ++j) sum += static_cast<double>(p[j]) * tokens[j * s.width + c];
          out[c] = static_cast<T>(sum);
        }
      }
    }
  });
}

void attend_backward(const AttendSizes& s, View dy, View q, View x, View probs, View dq, View dx) {
  std::vector<double> ds(static_cast<std::size_t>(s.batch * s.queries * s.tokens));
  dispatch(q.dtype, [&]<class T>(T) {
    const auto row = [&](View v, std::int64_t i) { return v.as<T>() + i * s.width; };
    const auto query = [&](std::int64_t b, std::int64_t i) { return (s.same_queries ? 0 : b * s.queries) + i; };
    for (std::int64_t i = 0; i < s.batch * s.queries; ++i) {
      const T* p = probs.as<T>() + i * s.tokens;
      double *to = ds.data() + i * s.tokens, total = 0;
      for (std::int64_t j = 0; j < s.tokens; ++j) {
        to[j] = 0;
        for (std::int64_t c = 0; c < s.width; ++c)
          to[j] += static_cast<double>(row(dy, i)[c]) * row(x, i / s.queries * s.tokens + j)[c];
        total += p[j] * to[j];
      }
      for (std::int64_t j = 0; j < s.tokens; ++j) to[j] = p[j] * (to[j] - TRIPTYCH_TERM("attend.row_sum", total));
    }
    const std::int64_t copies = s.same_queries ? s.batch : 1, rows = s.same_queries ? s.queries : s.batch * s.queries;
    for (std::int64_t i = 0; dq && i < rows; ++i)
      for (std::int64_t c = 0; c < s.width; ++c) {
        double sum = 0;
        for (std::int64_t at = i; at < i + copies * s.queries; at += s.queries)
          for (std::int64_t j = 0; j < s.tokens; ++j)
            sum += ds[static_cast<std::size_t>(at * s.tokens + j)] * row(x, at / s.queries * s.tokens + j)[c];
        row(dq, i)[c] = static_cast<T>(sum);
      }
    for (std::int64_t b = 0; dx && b < s.batch; ++b)
      for (std::int64_t j = 0; j < s.tokens; ++j)
        for (std::int64_t c = 0; c < s.width; ++c) {
          double as_key = 0, as_value = 0;
          for (std::int64_t i = 0; i < s.queries; ++i) {
            const std::int64_t at = (b * s.queries + i) * s.tokens + j;
            as_key += ds[static_cast<std::size_t>(at)] * row(q, query(b, i))[c];
            as_value += static_cast<double>(probs.as<T>()[at]) * row(dy, b * s.queries + i)[c];
          }
          row(dx, b * s.tokens + j)[c] =
              static_cast<T>(TRIPTYCH_TERM("attend.as_key", as_key) + TRIPTYCH_TERM("attend.as_value", as_value));
        }
  });
}

}  // namespace

void add_attend(Kernels& k) {
  k.attend = attend;
  k.attend_backward = attend_backward;
}

}  // namespace triptych::reference
