#include "core/arena.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <mutex>
#include <new>
#include <string>
#include <vector>

#include "core/error.h"

namespace triptych::arena {
namespace {

constexpr std::int64_t alignment = 64;

// Sits in the 64 bytes in front of the data, so the data keeps its alignment.
struct alignas(alignment) Header {
  std::atomic<std::int64_t> references;
  std::int64_t capacity;
  int size_class;
};

// Size classes: four per power of two, so at most a quarter of a block is unused.
struct SizeClass {
  int index;
  std::int64_t capacity;
};
SizeClass size_class(std::int64_t bytes) {
  const auto need = static_cast<std::uint64_t>(bytes < alignment ? alignment : bytes);
  const int power = std::bit_width(need - 1);  // 2^power >= need
  const std::uint64_t top = std::uint64_t{1} << power;
  if (power < 9) return {power * 4 + 3, static_cast<std::int64_t>(top)};
  const std::uint64_t quarter = top / 8;  // classes of one power: 5/8, 6/8, 7/8, 8/8 of top
  const std::uint64_t step = (need - top / 2 + quarter - 1) / quarter;
  return {power * 4 + static_cast<int>(step) - 1, static_cast<std::int64_t>(top / 2 + step * quarter)};
}

struct Cache {
  std::mutex mutex;
  std::vector<void*> free_blocks[256];
  Stats stats;
};
Cache& cache() {
  static Cache* c = new Cache;  // never destroyed: tensors of static life may outlast any order of destruction
  return *c;
}
Header* header(const void* block) { return static_cast<Header*>(const_cast<void*>(block)) - 1; }

}  // namespace

void* acquire(std::int64_t bytes) {
  const SizeClass wanted = size_class(bytes);
  Cache& c = cache();
  const std::lock_guard lock(c.mutex);
  auto& blocks = c.free_blocks[wanted.index];
  void* block = nullptr;
  if (!blocks.empty()) {
    block = blocks.back();
    blocks.pop_back();
    c.stats.bytes_cached -= wanted.capacity;
    header(block)->references.store(1, std::memory_order_relaxed);
  } else {
    const auto total = static_cast<std::size_t>(wanted.capacity) + sizeof(Header);
    void* raw = std::aligned_alloc(alignment, (total + alignment - 1) / alignment * alignment);
    if (!raw)
      throw Error(Exit::resources, "memory.refused",
                  "out of memory: the system refused " + std::to_string(total) + " bytes", {},
                  "use a smaller batch or a narrower model");
    block = new (raw) Header{{1}, wanted.capacity, wanted.index} + 1;
    ++c.stats.system_allocations;
  }
  c.stats.bytes_in_use += wanted.capacity;
  c.stats.peak_bytes = std::max(c.stats.peak_bytes, c.stats.bytes_in_use);
  return block;
}

void retain(void* block) { header(block)->references.fetch_add(1, std::memory_order_relaxed); }

void release(void* block) {
  Header* h = header(block);
  if (h->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  Cache& c = cache();
  const std::lock_guard lock(c.mutex);
  c.stats.bytes_in_use -= h->capacity;
  c.stats.bytes_cached += h->capacity;
  c.free_blocks[h->size_class].push_back(block);
}

bool unique(const void* block) { return header(block)->references.load(std::memory_order_acquire) == 1; }

Stats stats() {
  const std::lock_guard lock(cache().mutex);
  return cache().stats;
}

void trim() {
  Cache& c = cache();
  const std::lock_guard lock(c.mutex);
  for (auto& blocks : c.free_blocks) {
    for (void* block : blocks) std::free(header(block));
    blocks.clear();
  }
  c.stats.bytes_cached = 0;
}

}  // namespace triptych::arena
