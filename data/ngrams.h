// Character n-grams by hashing: a phrase of any language becomes a list of integers without a vocabulary.
//
//   w = ' ' + lower_case(phrase) + ' '
//   grams(w) = w itself and all its substrings of 2, 3 and 4 code points, shorter n first, left to right
//   index = crc32(UTF-8 bytes of the gram) mod buckets
//
// Source: Bojanowski et al. 2017, arXiv 1607.04606, section 3.2 (n-grams with word boundaries, hashing).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace triptych::data {

// CRC-32 as in zlib, PNG and ZIP: reflected polynomial 0xEDB88320, initial value and final xor 0xFFFFFFFF.
std::uint32_t crc32(std::string_view bytes);

// Simple case mapping (one code point to one) of the Unicode blocks Basic Latin, Latin-1 Supplement, Latin Extended-A
// and the Russian, Ukrainian and Serbian letters of Cyrillic (U+0400 to U+042F). Turkish dotted capital I becomes a
// plain i; everything else stays. utf8 must be well-formed.
std::string lower_case(std::string_view utf8);

// Appends the phrase's indices to out. buckets >= 1.
void append_ngrams(std::string_view phrase, std::uint32_t buckets, std::vector<std::int32_t>& out);

}  // namespace triptych::data
