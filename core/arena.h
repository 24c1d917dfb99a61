// The caching arena behind Tensor: freed blocks are kept by size class and handed out again, so that a training step
// after the first allocates nothing. Blocks are 64-byte aligned and carry their reference count in a header.
#pragma once

#include <cstdint>

namespace triptych::arena {

void* acquire(std::int64_t bytes);  // reference count 1; throws Error (exit 6) when memory is refused
void retain(void* block);
void release(void* block);  // back to the cache when the count reaches 0
bool unique(const void* block);

struct Stats {
  std::int64_t system_allocations = 0;  // since the start of the program
  std::int64_t bytes_in_use = 0, bytes_cached = 0, peak_bytes = 0;
};
Stats stats();
void trim();  // gives cached blocks back to the system

}  // namespace triptych::arena
