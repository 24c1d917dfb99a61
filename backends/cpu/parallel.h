// Loops over fixed tiles, shared out over the threads of set_threads().
//
// A tile is a function of its index alone, never of who runs it, so results do not depend on the thread count. Small
// work stays on the calling thread: opening an OpenMP region costs several microseconds.
#pragma once

#include <algorithm>
#include <cstdint>
#include <exception>

#include "backends/backend.h"

namespace triptych::cpu {

constexpr std::int64_t small_work = 16384;  // below this many elements a parallel region costs more than it saves

// f(i) for i in [0, count); `work` is the number of elements touched in total. What f throws arrives at the caller,
// after the other tiles are done.
template <class F>
void parallel_for(std::int64_t count, std::int64_t work, F&& f) {
  const int n = work < small_work ? 1 : static_cast<int>(std::min<std::int64_t>(threads(), count));
  if (n <= 1) {
    for (std::int64_t i = 0; i < count; ++i) f(i);
    return;
  }
  std::exception_ptr thrown;  // the first one: it may not leave the region by itself
#pragma omp parallel for schedule(static) num_threads(n)
  for (std::int64_t i = 0; i < count; ++i) try {
      f(i);
    } catch (...) {
#pragma omp critical(triptych_thrown)
      if (!thrown) thrown = std::current_exception();
    }
  if (thrown) std::rethrow_exception(thrown);
}

// f(begin, end) for the pieces of [0, count) of `tile` each (the last may be shorter).
template <class F>
void parallel_tiles(std::int64_t count, std::int64_t tile, std::int64_t work, F&& f) {
  parallel_for((count + tile - 1) / tile, work, [&](std::int64_t i) { f(i * tile, std::min(count, (i + 1) * tile)); });
}

// f(begin, end) over ranges of rows of `cols` elements each, about small_work elements a range.
template <class F>
void parallel_rows(std::int64_t rows, std::int64_t cols, F&& f) {
  const std::int64_t tile = std::max<std::int64_t>(1, small_work / std::max<std::int64_t>(1, cols));
  parallel_tiles(rows, tile, rows * cols, f);
}

}  // namespace triptych::cpu
