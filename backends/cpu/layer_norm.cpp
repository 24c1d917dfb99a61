// Layer normalisation. The mean is kept in two parts: rounded to float alone it would cost a row far from zero the
// digits of x - mean.
#include <cmath>

#include "backends/cpu/cpu.h"
#include "backends/cpu/parallel.h"
#include "backends/cpu/scratch.h"

namespace triptych::cpu {
namespace {

void layer_norm(View x, View gamma, View beta, View y, View stats, std::int64_t rows, std::int64_t cols, double eps) {
  dispatch(x.dtype, [&]<class T>(T) {
    const T *scale = gamma.as<T>(), *shift = beta.as<T>();
    parallel_rows(rows, cols, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const T* from = x.as<T>() + i * cols;
        T* to = y.as<T>() + i * cols;
        double mean = 0, var = 0;
#pragma omp simd reduction(+ : mean)
        for (std::int64_t j = 0; j < cols; ++j) mean += static_cast<double>(from[j]);
        mean /= static_cast<double>(cols);
        const T high = static_cast<T>(mean), low = static_cast<T>(mean - static_cast<double>(high));
#pragma omp simd reduction(+ : var)
        for (std::int64_t j = 0; j < cols; ++j) {
          const T d = from[j] - high - low;
          var += static_cast<double>(d * d);
        }
        const T inverse = static_cast<T>(1 / std::sqrt(var / static_cast<double>(cols) + eps));
#pragma omp simd
        for (std::int64_t j = 0; j < cols; ++j) to[j] = scale[j] * ((from[j] - high - low) * inverse) + shift[j];
        T* kept = stats.as<T>() + 3 * i;
        kept[0] = high;
        kept[1] = low;
        kept[2] = inverse;
      }
    });
  });
}

void layer_norm_backward(View dy, View x, View gamma, View stats, View dx, View dgamma, View dbeta, std::int64_t rows,
                         std::int64_t cols) {
  dispatch(x.dtype, [&]<class T>(T) {
    const T* scale = gamma.as<T>();
    const std::int64_t tiles = std::clamp<std::int64_t>(rows * cols / small_work, 1, 16);
    const std::int64_t tile = std::max<std::int64_t>(1, (rows + tiles - 1) / tiles);
    const auto [partial] = scratch<double>(Slot::caller, 2 * tiles * cols);
    std::fill_n(partial, 2 * tiles * cols, 0.0);
    parallel_tiles(rows, tile, rows * cols, [&, partial = partial](std::int64_t begin, std::int64_t end) {
      double *sum_g = partial + begin / tile * 2 * cols, *sum_b = sum_g + cols;
      for (std::int64_t i = begin; i < end; ++i) {
        const T *in = x.as<T>() + i * cols, *up = dy.as<T>() + i * cols;
        T* to = dx.as<T>() + i * cols;
        const T* kept = stats.as<T>() + 3 * i;
        const T high = kept[0], low = kept[1], inverse = kept[2];
        double total_g = 0, total_gn = 0;
#pragma omp simd reduction(+ : total_g, total_gn)
        for (std::int64_t j = 0; j < cols; ++j) {
          const T n = (in[j] - high - low) * inverse, g = scale[j] * up[j];
          total_g += static_cast<double>(g);
          total_gn += static_cast<double>(g * n);
          sum_g[j] += static_cast<double>(up[j] * n);
          sum_b[j] += static_cast<double>(up[j]);
        }
        const T mean_g = static_cast<T>(total_g / static_cast<double>(cols)),
                mean_gn = static_cast<T>(total_gn / static_cast<double>(cols));
#pragma omp simd
        for (std::int64_t j = 0; j < cols; ++j) {
          const T n = (in[j] - high - low) * inverse;
          to[j] = (scale[j] * up[j] - mean_g - n * mean_gn) * inverse;
        }
      }
    });
    for (std::int64_t t = 1; t < tiles; ++t)
      for (std::int64_t j = 0; j < 2 * cols; ++j) partial[j] += partial[2 * t * cols + j];
    for (std::int64_t j = 0; j < cols; ++j) {
      dgamma.as<T>()[j] = static_cast<T>(partial[j]);
      dbeta.as<T>()[j] = static_cast<T>(partial[cols + j]);
    }
  });
}

}  // namespace

void add_layer_norm(Kernels& k) {
  k.layer_norm = layer_norm;
  k.layer_norm_backward = layer_norm_backward;
}

}  // namespace triptych::cpu
