// Guessing what a file of the wrong kind is, from its first bytes, so that a refusal can say so.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace triptych::data {

struct Guess {
  std::string looks_like;  // "a ZIP archive (.npz?)", "text", "unknown data (first bytes 00 01 02 03)"
  std::string hint;        // what to do about it; may be empty
};
Guess sniff(std::span<const std::byte> bytes);

}  // namespace triptych::data
