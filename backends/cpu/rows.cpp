// Row-wise entries: softmax, cross entropy, normalised rows, masked mean.
#include "backends/cpu/column_sums.h"
#include "backends/cpu/cpu.h"
#include "backends/cpu/parallel.h"
#include "backends/cpu/scratch.h"
#include "backends/cpu/softmax_row.h"

namespace triptych::cpu {
namespace {

// f(i) for every row.
template <class F>
void each_row(std::int64_t rows, std::int64_t cols, F f) {
  parallel_rows(rows, cols, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) f(i);
  });
}

void softmax(View x, View mask, View y, std::int64_t rows, std::int64_t cols, std::int64_t rows_per_mask) {
  dispatch(x.dtype, [&]<class T>(T) {
    each_row(rows, cols, [&](std::int64_t i) {
      const T* real = mask ? mask.as<T>() + i / rows_per_mask * cols : nullptr;
      softmax_row(x.as<T>() + i * cols, real, y.as<T>() + i * cols, cols);
    });
  });
}

void softmax_backward(View y, View dy, View dx, std::int64_t rows, std::int64_t cols) {
  dispatch(y.dtype, [&]<class T>(T) {
    each_row(rows, cols, [&](std::int64_t i) {
      softmax_row_backward(y.as<T>() + i * cols, dy.as<T>() + i * cols, dx.as<T>() + i * cols, cols, T{1});
    });
  });
}

void log_softmax(View x, View y, std::int64_t rows, std::int64_t cols) {
  dispatch(x.dtype, [&]<class T>(T) {
    each_row(rows, cols, [&](std::int64_t i) {
      const T* from = x.as<T>() + i * cols;
      T* to = y.as<T>() + i * cols;
      const Exponentials<T> row = exponentials<T>(from, nullptr, to, cols);
      const T top = row.top, log_total = static_cast<T>(std::log(row.total));
#pragma omp simd
      for (std::int64_t j = 0; j < cols; ++j) to[j] = (from[j] - top) - log_total;
    });
  });
}

void log_softmax_backward(View y, View dy, View dx, std::int64_t rows, std::int64_t cols) {
  dispatch(y.dtype, [&]<class T>(T) {
    each_row(rows, cols, [&](std::int64_t i) {
      const T *out = y.as<T>() + i * cols, *up = dy.as<T>() + i * cols;
      T* to = dx.as<T>() + i * cols;
      double sum = 0;
#pragma omp simd reduction(+ : sum)
      for (std::int64_t j = 0; j < cols; ++j) sum += static_cast<double>(up[j]);
      const T total = static_cast<T>(sum);
#pragma omp simd
      for (std::int64_t j = 0; j < cols; ++j) to[j] = up[j] - total * exp(out[j]);
    });
  });
}

void cross_entropy(View logits, View target, View probs, View losses, std::int64_t rows, std::int64_t cols) {
  dispatch(logits.dtype, [&]<class T>(T) {
    each_row(rows, cols, [&](std::int64_t i) {
      const T* x = logits.as<T>() + i * cols;
      T* p = probs.as<T>() + i * cols;
      const double at_target = x[target.as<std::int32_t>()[i]];
      const Exponentials<T> row = exponentials<T>(x, nullptr, p, cols);
      const T inverse = static_cast<T>(1 / row.total);
#pragma omp simd
      for (std::int64_t j = 0; j < cols; ++j) p[j] *= inverse;
      losses.as<T>()[i] = static_cast<T>(row.top + std::log(row.total) - at_target);
    });
  });
}

void cross_entropy_backward(View probs, View target, View dlosses, View dx, std::int64_t rows, std::int64_t cols) {
  dispatch(probs.dtype, [&]<class T>(T) {
    each_row(rows, cols, [&](std::int64_t i) {
      const T* p = probs.as<T>() + i * cols;
      T* to = dx.as<T>() + i * cols;
      const T g = dlosses.as<T>()[i];
      const std::int32_t at = target.as<std::int32_t>()[i];
      const T at_target = g * (p[at] - 1);
#pragma omp simd
      for (std::int64_t j = 0; j < cols; ++j) to[j] = g * p[j];
      to[at] = at_target;
    });
  });
}

template <class T>
double row_dot(const T* a, const T* b, std::int64_t n) {
  double s = 0;
#pragma omp simd reduction(+ : s)
  for (std::int64_t j = 0; j < n; ++j) s += static_cast<double>(a[j]) * b[j];
  return s;
}

void row_normalise(View x, View y, View norms, std::int64_t rows, std::int64_t cols, double eps) {
  dispatch(x.dtype, [&]<class T>(T) {
    each_row(rows, cols, [&](std::int64_t i) {
      const T* from = x.as<T>() + i * cols;
      T* to = y.as<T>() + i * cols;
      const double norm = std::sqrt(row_dot(from, from, cols));
      const T divisor = static_cast<T>(std::max(norm, eps));
      norms.as<T>()[i] = static_cast<T>(norm);
#pragma omp simd
      for (std::int64_t j = 0; j < cols; ++j) to[j] = from[j] / divisor;
    });
  });
}

void row_normalise_backward(View y, View norms, View dy, View dx, std::int64_t rows, std::int64_t cols, double eps) {
  dispatch(y.dtype, [&]<class T>(T) {
    each_row(rows, cols, [&](std::int64_t i) {
      const T *out = y.as<T>() + i * cols, *up = dy.as<T>() + i * cols;
      T* to = dx.as<T>() + i * cols;
      const T norm = norms.as<T>()[i];
      if (static_cast<double>(norm) <= eps) {
        std::fill_n(to, cols, T{0});
        return;
      }
      const T s = static_cast<T>(row_dot(out, up, cols)), scale = 1 / norm;
#pragma omp simd
      for (std::int64_t j = 0; j < cols; ++j) to[j] = (up[j] - out[j] * s) * scale;
    });
  });
}

// Number of real tokens.
template <class T>
double count_real(const T* mask, std::int64_t tokens) {
  double count = mask ? 0 : static_cast<double>(tokens);
  for (std::int64_t t = 0; mask && t < tokens; ++t) count += mask[t] != 0;
  return count;
}

void masked_mean(View x, View mask, View y, std::int64_t batch, std::int64_t tokens, std::int64_t width) {
  dispatch(x.dtype, [&]<class T>(T) {
    parallel_rows(batch, tokens * width, [&](std::int64_t begin, std::int64_t end) {
      double* const sum = scratch<double>(Slot::tile, width)[0];
      for (std::int64_t b = begin; b < end; ++b) {
        const T *from = x.as<T>() + b * tokens * width, *real = mask ? mask.as<T>() + b * tokens : nullptr;
        const double count = count_real(real, tokens), scale = count > 0 ? 1 / count : 0;
        std::fill_n(sum, width, 0.0);
        if (!real) add_column_sums(from, width, tokens, width, sum);
        for (std::int64_t t = 0; real && t < tokens; ++t)
          if (real[t] != 0) add_column_sums(from + t * width, width, 1, width, sum);
        T* to = y.as<T>() + b * width;
#pragma omp simd
        for (std::int64_t j = 0; j < width; ++j) to[j] = static_cast<T>(sum[j] * scale);
      }
    });
  });
}

void masked_mean_backward(View dy, View mask, View dx, std::int64_t batch, std::int64_t tokens, std::int64_t width) {
  dispatch(dy.dtype, [&]<class T>(T) {
    each_row(batch, tokens * width, [&](std::int64_t b) {
      const T *up = dy.as<T>() + b * width, *real = mask ? mask.as<T>() + b * tokens : nullptr;
      const double count = count_real(real, tokens);
      for (std::int64_t t = 0; t < tokens; ++t) {
        T* to = dx.as<T>() + (b * tokens + t) * width;
        if (real && real[t] == 0) {
          std::fill_n(to, width, T{0});
          continue;
        }
        const T scale = static_cast<T>(1 / count);
#pragma omp simd
        for (std::int64_t j = 0; j < width; ++j) to[j] = up[j] * scale;
      }
    });
  });
}

}  // namespace

void add_rows(Kernels& k) {
  k.softmax = softmax;
  k.softmax_backward = softmax_backward;
  k.log_softmax = log_softmax;
  k.log_softmax_backward = log_softmax_backward;
  k.cross_entropy = cross_entropy;
  k.cross_entropy_backward = cross_entropy_backward;
  k.row_normalise = row_normalise;
  k.row_normalise_backward = row_normalise_backward;
  k.masked_mean = masked_mean;
  k.masked_mean_backward = masked_mean_backward;
}

}  // namespace triptych::cpu
