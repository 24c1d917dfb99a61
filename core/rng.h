// Counter-based random numbers: Philox 4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
//
// A value depends only on (seed, stream, index), never on who asked before: draws are the same for any thread count and
// after any resume.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <utility>
#include <vector>

namespace triptych {

inline std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53u} * counter[0], b = std::uint64_t{0xCD9E8D57u} * counter[2];
    counter = {static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
               static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

// A stream of draws. Copying it copies the position.
class Rng {
 public:
  explicit Rng(std::uint64_t seed, std::uint64_t stream = 0)
      : key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}, stream_(stream) {}

  std::uint32_t bits() {
    if (used_ == 4) {
      block_ = philox({static_cast<std::uint32_t>(index_), static_cast<std::uint32_t>(index_ >> 32),
                       static_cast<std::uint32_t>(stream_), static_cast<std::uint32_t>(stream_ >> 32)},
                      key_);
      ++index_;
      used_ = 0;
    }
    return block_[used_++];
  }
  // Uniform in [0, 1): 53 bits.
  double uniform() {
    const std::uint64_t high = bits() >> 5, low = bits() >> 6;
    return static_cast<double>(high * 67108864u + low) / 9007199254740992.0;
  }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  // Standard normal: Box and Muller 1958, one of the pair.
  double normal() {
    const double u = 1.0 - uniform(), v = uniform();
    return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v);
  }
  // Uniform in {0, ..., n-1}, unbiased (rejection). n >= 1.
  std::uint32_t below(std::uint32_t n) {
    const std::uint32_t limit = 0xFFFFFFFFu - 0xFFFFFFFFu % n;
    std::uint32_t x = bits();
    while (x >= limit) x = bits();
    return x % n;
  }

 private:
  std::array<std::uint32_t, 2> key_;
  std::uint64_t stream_;
  std::uint64_t index_ = 0;
  std::array<std::uint32_t, 4> block_{};
  unsigned used_ = 4;
};

// A random order of the items, each as likely as any other: Fisher and Yates' shuffle in Durstenfeld's form (1964,
// Algorithm 235). Fewer than 2^32 items.
template <class T>
void shuffle(std::vector<T>& items, Rng& rng) {
  for (std::size_t n = items.size(); n > 1; --n)
    std::swap(items[n - 1], items[rng.below(static_cast<std::uint32_t>(n))]);
}

}  // namespace triptych
