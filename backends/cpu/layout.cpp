// Copies that change the layout, and the two row-wise companions of the products: bias and scale.
#include <cstring>

#include "backends/cpu/cpu.h"
#include "backends/cpu/parallel.h"

namespace triptych::cpu {
namespace {

void copy_block(View x, std::int64_t x_offset, std::int64_t x_stride, View y, std::int64_t y_offset,
                std::int64_t y_stride, std::int64_t rows, std::int64_t width) {
  const std::int64_t size = size_of(y.dtype);
  const auto bytes = static_cast<std::size_t>(width * size);
  const std::byte* from = x.as<std::byte>() + x_offset * size;
  std::byte* to = y.as<std::byte>() + y_offset * size;
  parallel_rows(rows, width, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) std::memcpy(to + i * y_stride * size, from + i * x_stride * size, bytes);
  });
}

// In blocks of 16 x 16, so that both sides stay in cache lines just touched.
void transpose(View x, View y, std::int64_t batch, std::int64_t rows, std::int64_t cols) {
  constexpr std::int64_t block = 16;
  dispatch(y.dtype, [&]<class T>(T) {
    const std::int64_t bands = (rows + block - 1) / block;
    parallel_for(batch * bands, batch * rows * cols, [&](std::int64_t at) {
      const std::int64_t b = at / bands, i0 = at % bands * block, i1 = std::min(rows, i0 + block);
      const T* from = x.as<T>() + b * rows * cols;
      T* to = y.as<T>() + b * rows * cols;
      for (std::int64_t j0 = 0; j0 < cols; j0 += block)
        for (std::int64_t j = j0; j < std::min(cols, j0 + block); ++j)
          for (std::int64_t i = i0; i < i1; ++i) to[j * rows + i] = from[i * cols + j];
    });
  });
}

void add_bias(View bias, View y, std::int64_t rows, std::int64_t cols) {
  dispatch(y.dtype, [&]<class T>(T) {
    const T* b = bias.as<T>();
    parallel_rows(rows, cols, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        T* row = y.as<T>() + i * cols;
#pragma omp simd
        for (std::int64_t j = 0; j < cols; ++j) row[j] += b[j];
      }
    });
  });
}

void scale_rows(View x, View s, View y, std::int64_t rows, std::int64_t cols) {
  dispatch(y.dtype, [&]<class T>(T) {
    parallel_rows(rows, cols, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const T* from = x.as<T>() + i * cols;
        T* to = y.as<T>() + i * cols;
        const T scale = s.as<T>()[i];
#pragma omp simd
        for (std::int64_t j = 0; j < cols; ++j) to[j] = from[j] * scale;
      }
    });
  });
}

}  // namespace

void add_layout(Kernels& k) {
  k.copy_block = copy_block;
  k.transpose = transpose;
  k.add_bias = add_bias;
  k.scale_rows = scale_rows;
}

}  // namespace triptych::cpu
