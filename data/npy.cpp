#include "data/npy.h"

#include <algorithm>
#include <cstring>

#include "core/error.h"
#include "data/atomic_file.h"
#include "data/bytes.h"
#include "data/read_file.h"

namespace triptych::data {
namespace {

NpyHeader checked_header(std::span<const std::byte> bytes, const std::string& file, const std::string& member,
                         const NpyOptions& options) {
  NpyHeader header = parse_npy_header(bytes, file, member, options);
  const std::uint64_t found = bytes.size() - header.data_offset;
  if (found == header.data_bytes || (found > header.data_bytes && options.allow_trailing)) return header;
  const bool is_short = found < header.data_bytes;
  reject_input(
      is_short ? "npy.data-short" : "npy.trailing", file, npy_place(member, "data"),
      std::to_string(found) + " bytes found, expected " + std::to_string(header.data_bytes) + " for shape " +
          shape_text(header.shape) + " of " + std::string(dtype_name(header.dtype)),
      is_short ? "the file was cut off: copy or export it again" : "export the file again: np.save(path, array)");
  return header;
}

void swap_bytes(std::vector<std::byte>& bytes, std::size_t item) {
  for (std::size_t at = 0; at < bytes.size(); at += item) {
    std::reverse(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                 bytes.begin() + static_cast<std::ptrdiff_t>(at + item));
  }
}

// Column-major to row-major. The output is written front to back; index is the odometer of the leading axes, and the
// last axis has the largest stride in the source.
std::vector<std::byte> from_fortran(const std::vector<std::byte>& source, const Shape& shape, std::size_t item) {
  std::vector<std::byte> out(source.size());
  if (out.empty()) return out;
  const std::size_t rank = shape.size();
  std::vector<std::size_t> stride(rank), index(rank, 0);
  std::size_t step = item;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    stride[axis] = step;
    step *= static_cast<std::size_t>(shape[axis]);
  }
  const auto inner = static_cast<std::size_t>(shape.back());
  std::size_t from = 0;
  for (std::size_t to = 0; to < out.size();) {
    for (std::size_t i = 0; i < inner; ++i, to += item) std::memcpy(&out[to], &source[from + i * stride.back()], item);
    for (std::size_t axis = rank - 1; axis-- > 0;) {
      from += stride[axis];
      if (++index[axis] < static_cast<std::size_t>(shape[axis])) break;
      from -= index[axis] * stride[axis];
      index[axis] = 0;
    }
  }
  return out;
}

Array finish(const NpyHeader& header, std::vector<std::byte> bytes) {
  const std::size_t item = dtype_size(header.dtype);
  if (header.big_endian) swap_bytes(bytes, item);
  if (header.fortran_order && header.shape.size() > 1) bytes = from_fortran(bytes, header.shape, item);
  return {header.dtype, header.shape, std::move(bytes)};
}

const char* descr_of(Dtype dtype) {
  switch (dtype) {
    case Dtype::boolean: return "|b1";
    case Dtype::i8: return "|i1";
    case Dtype::u8: return "|u1";
    case Dtype::i16: return "<i2";
    case Dtype::u16: return "<u2";
    case Dtype::i32: return "<i4";
    case Dtype::u32: return "<u4";
    case Dtype::i64: return "<i8";
    case Dtype::u64: return "<u8";
    case Dtype::f16: return "<f2";
    case Dtype::bf16: return "<V2";
    case Dtype::f32: return "<f4";
    case Dtype::f64: break;
  }
  return "<f8";
}

}  // namespace

Array parse_npy(std::span<const std::byte> bytes, const std::string& file, const std::string& member,
                const NpyOptions& options) {
  const NpyHeader header = checked_header(bytes, file, member, options);
  const auto data = bytes.subspan(header.data_offset, static_cast<std::size_t>(header.data_bytes));
  return finish(header, {data.begin(), data.end()});
}

Array parse_npy(std::vector<std::byte>&& bytes, const std::string& file, const std::string& member,
                const NpyOptions& options) {
  const NpyHeader header = checked_header(bytes, file, member, options);
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(header.data_offset));
  bytes.resize(static_cast<std::size_t>(header.data_bytes));
  return finish(header, std::move(bytes));
}

Array read_npy(const std::string& path, const NpyOptions& options) {
  return parse_npy(read_file(path), path, {}, options);
}

std::vector<std::byte> serialize_npy(const Array& array) {
  std::string literal = std::string("{'descr': '") + descr_of(array.dtype) +
                        "', 'fortran_order': False, 'shape': " + shape_text(array.shape) + ", }";
  constexpr std::size_t prefix = 10, alignment = 64;
  const std::size_t unpadded = prefix + literal.size() + 1;
  literal.append((alignment - unpadded % alignment) % alignment, ' ');
  literal += '\n';
  std::vector<std::byte> out(prefix + literal.size() + array.bytes.size());
  std::memcpy(out.data(), "\x93NUMPY\x01\x00", 8);
  store(std::span(out), 8, static_cast<std::uint16_t>(literal.size()));
  std::memcpy(out.data() + prefix, literal.data(), literal.size());
  if (!array.bytes.empty()) std::memcpy(out.data() + prefix + literal.size(), array.bytes.data(), array.bytes.size());
  return out;
}

void write_npy(const std::string& path, const Array& array) { write_file_atomically(path, serialize_npy(array)); }

}  // namespace triptych::data
