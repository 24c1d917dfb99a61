// Convolution as products on unfolded patches (im2col), a few hundred output positions at a time: the patches of one
// tile stay in cache and the unfolded image never exists as a whole.
//
// Output rows are numbered through the batch: row t is row t % rows() of image t / rows().
#include <algorithm>
#include <cstring>

#include "backends/cpu/cpu.h"
#include "backends/cpu/gemm.h"
#include "backends/cpu/parallel.h"
#include "backends/cpu/scratch.h"

namespace triptych::cpu {
namespace {

// Output rows of a tile: about 512 positions.
std::int64_t tile_rows(const Conv2dSizes& s) { return std::max<std::int64_t>(1, 512 / s.cols()); }

// f(offset in the patches, offset in x, length, padding before, padding after) for every run of kernel * channels
// numbers that a kernel row reads, of output rows [begin, end); the patches start at `begin`.
template <class F>
void each_run(const Conv2dSizes& s, std::int64_t begin, std::int64_t end, F f) {
  const std::int64_t run = s.kernel * s.channels, line = s.width * s.channels;
  std::int64_t at = 0;
  for (std::int64_t t = begin; t < end; ++t) {
    const std::int64_t image = t / s.rows() * s.height, top = t % s.rows() * s.stride - s.pad;
    for (std::int64_t c = 0; c < s.cols(); ++c) {
      const std::int64_t left = (c * s.stride - s.pad) * s.channels;
      const std::int64_t before = std::clamp<std::int64_t>(-left, 0, run);
      const std::int64_t after = std::clamp<std::int64_t>(left + run - line, 0, run - before);
      for (std::int64_t u = top; u < top + s.kernel; ++u, at += run) {
        const bool inside = u >= 0 && u < s.height;
        f(at, (image + u) * line + left, run, inside ? before : run, inside ? after : 0);
      }
    }
  }
}

template <class T>
void unfold(const Conv2dSizes& s, const T* x, std::int64_t begin, std::int64_t end, T* patches) {
  each_run(s, begin, end,
           [=](std::int64_t to, std::int64_t from, std::int64_t run, std::int64_t before, std::int64_t after) {
             T* p = patches + to;
             for (std::int64_t j = 0; j < before; ++j) p[j] = 0;
#pragma omp simd
             for (std::int64_t j = before; j < run - after; ++j) p[j] = x[from + j];
             for (std::int64_t j = run - after; j < run; ++j) p[j] = 0;
           });
}

// Adds every patch into the place it came from.
template <class T>
void fold(const Conv2dSizes& s, const T* patches, std::int64_t begin, std::int64_t end, T* dx) {
  each_run(s, begin, end,
           [=](std::int64_t from, std::int64_t to, std::int64_t run, std::int64_t before, std::int64_t after) {
#pragma omp simd
             for (std::int64_t j = before; j < run - after; ++j) dx[to + j] += patches[from + j];
           });
}

void conv2d(const Conv2dSizes& s, View x, View w, View b, View y) {
  dispatch(y.dtype, [&]<class T>(T) {
    const std::int64_t lines = s.batch * s.rows(), tile = tile_rows(s);
    parallel_tiles(lines, tile, lines * s.cols() * s.patch(), [&](std::int64_t begin, std::int64_t end) {
      const auto [patches] = scratch<T>(Slot::tile, tile * s.cols() * s.patch());
      const std::int64_t positions = (end - begin) * s.cols();
      T* out = y.as<T>() + begin * s.cols() * s.out;
      unfold(s, x.as<T>(), begin, end, patches);
      for (std::int64_t i = 0; i < positions; ++i) std::copy_n(b.as<T>(), s.out, out + i * s.out);
      multiply_serial(Product<T>{.trans_b = true,
                                 .m = positions,
                                 .n = s.out,
                                 .k = s.patch(),
                                 .a = patches,
                                 .lda = s.patch(),
                                 .b = w.as<T>(),
                                 .ldb = s.patch(),
                                 .beta = 1,
                                 .c = out,
                                 .ldc = s.out});
    });
  });
}

// The batch is cut into a fixed number of groups of images; each owns its part of dx and a partial dw.
void conv2d_backward(const Conv2dSizes& s, View dy, View x, View w, View dx, View dw, View db) {
  dispatch(x.dtype, [&]<class T>(T) {
    const std::int64_t weights = s.out * s.patch(), image = s.height * s.width * s.channels, tile = tile_rows(s);
    const std::int64_t group = std::max<std::int64_t>(1, (s.batch + 7) / 8);
    const std::int64_t groups = std::max<std::int64_t>(1, (s.batch + group - 1) / group);
    const auto [partial] = scratch<T>(Slot::caller, groups * weights);
    std::fill_n(partial, groups * weights, T{0});
    parallel_tiles(s.batch, group, s.batch * s.rows() * s.cols() * s.patch(),
                   [&, partial = partial](std::int64_t first, std::int64_t last) {
                     const auto [patches] = scratch<T>(Slot::tile, tile * s.cols() * s.patch());
                     T* sum_w = partial + first / group * weights;
                     if (dx) std::fill_n(dx.as<T>() + first * image, (last - first) * image, T{0});
                     for (std::int64_t begin = first * s.rows(); begin < last * s.rows(); begin += tile) {
                       const std::int64_t end = std::min(last * s.rows(), begin + tile),
                                          positions = (end - begin) * s.cols();
                       const T* up = dy.as<T>() + begin * s.cols() * s.out;
                       unfold(s, x.as<T>(), begin, end, patches);
                       multiply_serial(Product<T>{.trans_a = true,
                                                  .m = s.out,
                                                  .n = s.patch(),
                                                  .k = positions,
                                                  .a = up,
                                                  .lda = s.out,
                                                  .b = patches,
                                                  .ldb = s.patch(),
                                                  .beta = 1,
                                                  .c = sum_w,
                                                  .ldc = s.patch()});
                       if (!dx) continue;
                       multiply_serial(Product<T>{.m = positions,
                                                  .n = s.patch(),
                                                  .k = s.out,
                                                  .a = up,
                                                  .lda = s.out,
                                                  .b = w.as<T>(),
                                                  .ldb = s.patch(),
                                                  .c = patches,
                                                  .ldc = s.patch()});
                       fold(s, patches, begin, end, dx.as<T>());
                     }
                   });
    for (std::int64_t g = 1; g < groups; ++g)
      for (std::int64_t i = 0; i < weights; ++i) partial[i] += partial[g * weights + i];
    std::copy_n(partial, weights, dw.as<T>());
    cpu_kernels().sum_rows(dy, db, s.batch * s.rows() * s.cols(), s.out);
  });
}

}  // namespace

void add_conv2d(Kernels& k) {
  k.conv2d = conv2d;
  k.conv2d_backward = conv2d_backward;
}

}  // namespace triptych::cpu
