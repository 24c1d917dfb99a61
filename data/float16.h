// Exact widening of the two 16-bit float formats to float32. Every value of both is a float32 value, so nothing is
// rounded; signs of zero and NaN payloads survive.
//
//   binary16  1 sign, 5 exponent (bias 15), 10 fraction bits    IEEE 754-2019, section 3.6
//   bfloat16  1 sign, 8 exponent (bias 127), 7 fraction bits    the upper half of a float32
#pragma once

#include <bit>
#include <cstdint>

namespace triptych::data {

inline float widen_f16(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000u) << 16;
  const std::uint32_t exponent = (half >> 10) & 0x1Fu;
  std::uint32_t fraction = half & 0x3FFu;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7F800000u | (fraction << 13));
  if (exponent != 0) return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (fraction << 13));
  if (fraction == 0) return std::bit_cast<float>(sign);
  // Subnormal: fraction * 2^-24. Shift its leading one up to the hidden bit's place and lower the exponent to match.
  const auto shift = static_cast<std::uint32_t>(std::countl_zero(fraction)) - 21;
  fraction = (fraction << shift) & 0x3FFu;
  return std::bit_cast<float>(sign | ((113 - shift) << 23) | (fraction << 13));
}

inline float widen_bf16(std::uint16_t bits) { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }

}  // namespace triptych::data
