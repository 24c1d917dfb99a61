// IDX files, the format of MNIST and its relatives: unsigned bytes of any shape, plain or gzip-compressed (in one
// stream or several).
//
//   00 00 type rank   sizes (rank times 32 bits, big-endian)   data, row-major
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "data/array.h"

namespace triptych::data {

struct IdxArray {
  Shape shape;
  std::vector<std::uint8_t> values;
};

// Whether a file is compressed is told by its first bytes, not by its name. Throws what read_file throws, and
// Error(input, ...):
//   "idx.magic"        another kind of file; says which it looks like
//   "idx.type"         values other than unsigned bytes
//   "idx.header-short" the file ends within the sizes
//   "idx.size"         a size of 0, no axis, or more than 4
//   "idx.data-short"   fewer bytes than the sizes ask for; found before they are allocated
//   "idx.trailing"     more of them
//   "idx.gzip"         damaged or cut compressed data
IdxArray read_idx(const std::string& path);
// The same from memory. `file` only serves the messages.
IdxArray parse_idx(std::span<const std::byte> bytes, const std::string& file);

// Pictures (n, height, width) cut down the middle: left and right (n, height * width / 2) float32 in [0, 1], row by row
// of each half. Throws Error(input, "idx.pictures") for other ranks or an odd width.
struct Halves {
  Tensor left, right;
};
Halves split_pictures(const IdxArray& pictures, const std::string& file);

}  // namespace triptych::data
