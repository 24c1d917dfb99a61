// Rows picked by index, and bags of them.
//
// The backward adds many rows into one table. It is shared out by columns, not by rows: every element then receives its
// terms in index order whatever the number of threads, without a lock or a copy of the table.
#include <cstring>

#include "backends/cpu/cpu.h"
#include "backends/cpu/parallel.h"
#include "backends/cpu/scratch.h"

namespace triptych::cpu {
namespace {

constexpr std::int64_t column_tile = 64;

template <class T>
void zero(T* x, std::int64_t n) {
  parallel_tiles(n, 4 * small_work, n, [&](std::int64_t begin, std::int64_t end) {
    std::memset(x + begin, 0, static_cast<std::size_t>(end - begin) * sizeof(T));
  });
}

void gather(View x, View index, View y, std::int64_t count, std::int64_t width) {
  const auto* at = index.as<std::int32_t>();
  const std::int64_t bytes = width * size_of(y.dtype);
  parallel_rows(count, width, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      std::byte* to = y.as<std::byte>() + i * bytes;
      if (at[i] < 0)
        std::memset(to, 0, static_cast<std::size_t>(bytes));
      else
        std::memcpy(to, x.as<std::byte>() + at[i] * bytes, static_cast<std::size_t>(bytes));
    }
  });
}

void gather_backward(View dy, View index, View dx, std::int64_t count, std::int64_t rows, std::int64_t width) {
  const auto* at = index.as<std::int32_t>();
  dispatch(dx.dtype, [&]<class T>(T) {
    zero(dx.as<T>(), rows * width);
    parallel_tiles(width, column_tile, count * width, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = 0; i < count; ++i) {
        if (at[i] < 0) continue;
        T* to = dx.as<T>() + at[i] * width;
        const T* from = dy.as<T>() + i * width;
#pragma omp simd
        for (std::int64_t j = begin; j < end; ++j) to[j] += from[j];
      }
    });
  });
}

void embedding_bag(View table, View index, View offset, View y, std::int64_t bags, std::int64_t width) {
  const auto *at = index.as<std::int32_t>(), *start = offset.as<std::int32_t>();
  dispatch(y.dtype, [&]<class T>(T) {
    parallel_rows(bags, 4 * width, [&](std::int64_t begin, std::int64_t end) {
      double* const sum = std::get<0>(scratch<double>(Slot::tile, width));
      for (std::int64_t b = begin; b < end; ++b) {
        std::fill_n(sum, width, 0.0);
        for (std::int32_t i = start[b]; i < start[b + 1]; ++i) {
          const T* row = table.as<T>() + at[i] * width;
#pragma omp simd
          for (std::int64_t j = 0; j < width; ++j) sum[j] += static_cast<double>(row[j]);
        }
        const double scale = start[b] == start[b + 1] ? 0 : 1.0 / (start[b + 1] - start[b]);
        T* to = y.as<T>() + b * width;
#pragma omp simd
        for (std::int64_t j = 0; j < width; ++j) to[j] = static_cast<T>(sum[j] * scale);
      }
    });
  });
}

void embedding_bag_backward(View dy, View index, View offset, View dtable, std::int64_t bags, std::int64_t rows,
                            std::int64_t width) {
  const auto *at = index.as<std::int32_t>(), *start = offset.as<std::int32_t>();
  dispatch(dy.dtype, [&]<class T>(T) {
    zero(dtable.as<T>(), rows * width);
    parallel_tiles(width, column_tile, 4 * bags * width, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t b = 0; b < bags; ++b) {
        const T scale = T{1} / static_cast<T>(start[b + 1] - start[b]);
        const T* from = dy.as<T>() + b * width;
        for (std::int32_t i = start[b]; i < start[b + 1]; ++i) {
          T* to = dtable.as<T>() + at[i] * width;
#pragma omp simd
          for (std::int64_t j = begin; j < end; ++j) to[j] += from[j] * scale;
        }
      }
    });
  });
}

}  // namespace

void add_embedding(Kernels& k) {
  k.gather = gather;
  k.gather_backward = gather_backward;
  k.embedding_bag = embedding_bag;
  k.embedding_bag_backward = embedding_bag_backward;
}

}  // namespace triptych::cpu
