// CRC-32C (Castagnoli): the checksum of iSCSI (RFC 3720, B.4) and of TFRecord files.
//
//   polynomial 0x1edc6f41, bits of a byte from the lowest, register starts at and is added to 0xffffffff
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace triptych::data {

constexpr std::uint32_t crc32c(std::span<const std::byte> bytes) {
  constexpr std::uint32_t reflected = 0x82f63b78;
  std::uint32_t crc = ~0u;
  for (const std::byte byte : bytes) {
    crc ^= static_cast<std::uint32_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? reflected : 0);
  }
  return ~crc;
}

}  // namespace triptych::data
