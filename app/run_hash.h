// A 64-bit fingerprint of a sequence of bytes, as 16 hexadecimal digits: FNV-1a over words of eight bytes. One changed
// byte always changes it: every step is one-to-one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace triptych::app {

class Hash {
 public:
  Hash& add(std::uint64_t word) {
    state_ = (state_ ^ word) * 1099511628211ull;
    state_ ^= state_ >> 32;  // a multiplication alone never moves high bits down
    return *this;
  }
  Hash& add(std::span<const std::byte> bytes) {
    add(bytes.size());
    for (std::size_t i = 0; i < bytes.size(); i += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, bytes.data() + i, bytes.size() - i < 8 ? bytes.size() - i : 8);
      add(word);
    }
    return *this;
  }
  Hash& add(std::string_view text) { return add(std::as_bytes(std::span(text))); }

  std::string text() const {
    char out[16];
    for (int i = 0; i < 16; ++i) out[i] = "0123456789abcdef"[(state_ >> (60 - 4 * i)) & 15];
    return {out, 16};
  }

 private:
  std::uint64_t state_ = 14695981039346656037ull;
};

}  // namespace triptych::app
