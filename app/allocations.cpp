#include "app/allocations.h"

#include <atomic>
#include <cstdlib>
#include <new>

#include "core/arena.h"

#ifdef __has_feature
#define TRIPTYCH_TSAN __has_feature(thread_sanitizer)
#else
#define TRIPTYCH_TSAN 0
#endif

namespace {
std::atomic<std::int64_t> heap_calls = 0;
}

#if !TRIPTYCH_TSAN  // clang's thread sanitizer brings operators of its own: there only the arena is counted
namespace {
void* allocate(std::size_t size, std::size_t alignment) {
  heap_calls.fetch_add(1, std::memory_order_relaxed);
  void* p = alignment <= alignof(std::max_align_t)
                ? std::malloc(size ? size : 1)
                : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  return p;
}
void* allocate_or_throw(std::size_t size, std::size_t alignment) {
  void* p = allocate(size, alignment);
  if (!p) throw std::bad_alloc();
  return p;
}
}  // namespace

// Replacing the global operators is the one way to see what the standard library allocates for us.
void* operator new(std::size_t size) { return allocate_or_throw(size, 1); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate(size, 1); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate_or_throw(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, const std::nothrow_t&) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
#endif

namespace triptych::app {

std::int64_t allocations() { return heap_calls.load() + arena::stats().system_allocations; }

}  // namespace triptych::app
