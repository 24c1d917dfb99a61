// Temporary memory of a kernel: per thread, 64-byte aligned, kept for the next call, so a training step allocates
// nothing after its first.
#pragma once

#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

namespace triptych::cpu {

// Who holds the memory: the thread that opens a parallel loop, or a tile inside it. Two buffers, since the opening
// thread works on tiles too.
enum class Slot { caller, tile };

// At least `bytes` for the calling thread, valid until it asks for the same slot again.
inline std::byte* scratch_bytes(Slot slot, std::size_t bytes) {
  struct Free {
    void operator()(std::byte* p) const { std::free(p); }
  };
  struct Buffer {
    std::unique_ptr<std::byte, Free> data;
    std::size_t bytes = 0;
  };
  thread_local std::array<Buffer, 2> buffers;
  Buffer& buffer = buffers[static_cast<std::size_t>(slot)];
  if (bytes > buffer.bytes) {
    buffer = {};
    buffer.data.reset(static_cast<std::byte*>(std::aligned_alloc(64, bytes)));
    if (!buffer.data) throw std::bad_alloc();
    buffer.bytes = bytes;
  }
  return buffer.data.get();
}

// Uninitialised buffers of the given sizes in elements; they replace what this thread held in the slot.
template <class T, class... Sizes>
std::array<T*, sizeof...(Sizes)> scratch(Slot slot, Sizes... sizes) {
  const auto padded = [](std::int64_t n) { return (static_cast<std::size_t>(n) * sizeof(T) + 63) / 64 * 64; };
  std::byte* next = scratch_bytes(slot, (padded(sizes) + ...));
  const auto take = [&](std::int64_t n) {
    T* p = reinterpret_cast<T*>(next);
    next += padded(n);
    return p;
  };
  return {take(sizes)...};  // braces evaluate left to right
}

}  // namespace triptych::cpu
