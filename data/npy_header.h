// The header of a .npy file: magic, version, and a Python dict literal with three keys.
//
// Source: NumPy's numpy/lib/format.py documentation, format versions 1.0, 2.0 and 3.0.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "data/array.h"

namespace triptych::data {

struct NpyOptions {
  // NumPy has no bfloat16 and writes it as two untyped bytes ('<V2'). Refused unless this is set.
  bool v2_is_bfloat16 = false;
  // Bytes after the data are refused unless this is set; then they are ignored.
  bool allow_trailing = false;
};

struct NpyHeader {
  Dtype dtype = Dtype::f32;
  bool big_endian = false;
  bool fortran_order = false;
  Shape shape;
  std::size_t data_offset = 0;   // bytes of the file before the data
  std::uint64_t data_bytes = 0;  // bytes the shape and dtype ask for
};

// Longest header literal accepted, in bytes; NumPy's own default for untrusted files.
inline constexpr std::size_t max_npy_header = 10000;
// The most bytes a header can take from the start of a file.
inline constexpr std::size_t max_npy_prefix = 12 + max_npy_header;

// bytes is the file, or at least its first max_npy_prefix bytes; whether the data is there is not checked. file and
// member ("" for none) only serve the messages. Throws Error(input, ...):
//   "npy.too-short", "npy.magic", "npy.version", "npy.header-length", "npy.header", "npy.key", "npy.shape",
//   "npy.object" (pickled objects are never loaded), "npy.dtype"
NpyHeader parse_npy_header(std::span<const std::byte> bytes, const std::string& file, const std::string& member = {},
                           const NpyOptions& options = {});

// "" or "member 'x.npy'" (escaped), followed by place: where a message points to.
std::string npy_place(const std::string& member, const std::string& place = {});

}  // namespace triptych::data
