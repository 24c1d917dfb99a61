// NumPy .npy files: reading versions 1.0 to 3.0, writing 1.0. What is accepted and refused: docs/formats.md.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "data/array.h"
#include "data/npy_header.h"

namespace triptych::data {

// The array in row-major order and native bytes, whatever order the file has. Throws what read_file and
// parse_npy_header throw, and Error(input, ...):
//   "npy.data-short"  fewer data bytes than shape and dtype ask for; found before anything is allocated for them
//   "npy.trailing"    more of them, without options.allow_trailing
// Needs the file's size in memory, twice that for Fortran order.
Array read_npy(const std::string& path, const NpyOptions& options = {});

// The same from memory. file and member ("" for none) only serve the messages.
Array parse_npy(std::span<const std::byte> bytes, const std::string& file, const std::string& member = {},
                const NpyOptions& options = {});
// Reuses the buffer for the result.
Array parse_npy(std::vector<std::byte>&& bytes, const std::string& file, const std::string& member = {},
                const NpyOptions& options = {});

// The bytes np.save would write: version 1.0, little-endian, C order, data at a multiple of 64. bfloat16 becomes
// '<V2', which needs the override to be read back.
std::vector<std::byte> serialize_npy(const Array& array);

// Replaces path by the array, or leaves it as it was. Throws what write_file_atomically throws.
void write_npy(const std::string& path, const Array& array);

}  // namespace triptych::data
