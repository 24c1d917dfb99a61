// What the readers return and the writers take: a typed, contiguous, row-major block of numbers.
//
// It is deliberately not a Tensor: files hold many dtypes, a Tensor two. Convert with to_floats and friends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace triptych::data {

enum class Dtype { boolean, i8, u8, i16, u16, i32, u32, i64, u64, f16, bf16, f32, f64 };

// "bool", "int8", ..., "float16", "bfloat16", "float32", "float64".
std::string_view dtype_name(Dtype dtype);
std::size_t dtype_size(Dtype dtype);  // bytes an element
bool is_floating(Dtype dtype);

using Shape = std::vector<std::int64_t>;

// "(3, 4)", "(3,)", "()", as Python prints it.
std::string shape_text(const Shape& shape);

// Most dimensions a reader accepts, as in NumPy 2.
inline constexpr std::size_t max_rank = 64;

// Bytes of shape times item_size into bytes; false when that, or the product of the sizes other than zero, does not
// fit 63 bits. Sizes must not be negative.
bool byte_count(const Shape& shape, std::size_t item_size, std::uint64_t& bytes);

// bytes.size() == count() * dtype_size(dtype), little-endian; a boolean is false when its byte is 0. rank 0: shape
// is empty and there is one element.
struct Array {
  Dtype dtype = Dtype::f32;
  Shape shape;
  std::vector<std::byte> bytes;

  std::int64_t count() const;
  std::int64_t rows() const;  // first size; 1 for rank 0
};

// Values in row-major order. Throws Error(internal, "array.size") when values.size() is not the product of shape.
Array make_array(Shape shape, std::span<const float> values);
Array make_array(Shape shape, std::span<const double> values);
Array make_array(Shape shape, std::span<const std::int32_t> values);
Array make_array(Shape shape, std::span<const std::int64_t> values);
Array make_array(Shape shape, std::span<const std::uint8_t> values);

// Values in row-major order. file and name only serve the messages ("<file>: <name>: ...").
//   to_floats   rounds to nearest; throws Error(input, "array.overflow") when a finite value would become infinite
//   to_doubles  exact but for 64-bit integers above 2^53, which round to nearest
//   to_int64s   throws Error(input, "array.not-integer") for a fraction, NaN, Inf or a value outside int64
std::vector<float> to_floats(const Array& array, const std::string& file = {}, const std::string& name = {});
std::vector<double> to_doubles(const Array& array);
std::vector<std::int64_t> to_int64s(const Array& array, const std::string& file = {}, const std::string& name = {});

struct NonFinite {
  std::int64_t nan = 0;                  // elements
  std::int64_t inf = 0;                  // elements, of either sign
  std::int64_t rows = 0;                 // rows (first axis) holding at least one of them
  std::vector<std::int64_t> first_rows;  // the first five of those rows, counted from 0
};
NonFinite find_non_finite(const Array& array);

// Every row that holds NaN or Inf, ascending, counted from 0: for the option that drops them.
std::vector<std::int64_t> non_finite_rows(const Array& array);

// Throws Error(input, "array.non-finite") with the first five rows and the totals. name is the member, "" for none.
void require_finite(const Array& array, const std::string& file, const std::string& name = {});

// Throws Error(input, "array.rank" or "array.empty") unless array can be features for training: (N, d) or (N, L, d)
// with N >= 2 and no size zero.
void require_feature_rank(const Array& array, const std::string& file, const std::string& name = {});

}  // namespace triptych::data
