#include "data/array.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/error.h"
#include "data/bytes.h"
#include "data/float16.h"

namespace triptych::data {
namespace {

struct DtypeRow {
  std::string_view name;
  std::size_t size;
};
// In the order of the enumeration.
constexpr DtypeRow dtype_table[] = {{"bool", 1},     {"int8", 1},    {"uint8", 1},  {"int16", 2},  {"uint16", 2},
                                    {"int32", 4},    {"uint32", 4},  {"int64", 8},  {"uint64", 8}, {"float16", 2},
                                    {"bfloat16", 2}, {"float32", 4}, {"float64", 8}};

// Calls f(at), where at(i) is element i in its own C++ type (float for the 16-bit formats).
template <class F>
auto with_elements(const Array& array, F&& f) {
  const std::span<const std::byte> bytes(array.bytes);
  const auto as = [&]<class T>(T) { return [bytes](std::size_t i) { return load<T>(bytes, i * sizeof(T)); }; };
  switch (array.dtype) {
    case Dtype::boolean: return f([bytes](std::size_t i) -> std::uint8_t { return bytes[i] != std::byte{0}; });
    case Dtype::i8: return f(as(std::int8_t{}));
    case Dtype::u8: return f(as(std::uint8_t{}));
    case Dtype::i16: return f(as(std::int16_t{}));
    case Dtype::u16: return f(as(std::uint16_t{}));
    case Dtype::i32: return f(as(std::int32_t{}));
    case Dtype::u32: return f(as(std::uint32_t{}));
    case Dtype::i64: return f(as(std::int64_t{}));
    case Dtype::u64: return f(as(std::uint64_t{}));
    case Dtype::f16: return f([bytes](std::size_t i) { return widen_f16(load<std::uint16_t>(bytes, 2 * i)); });
    case Dtype::bf16: return f([bytes](std::size_t i) { return widen_bf16(load<std::uint16_t>(bytes, 2 * i)); });
    case Dtype::f32: return f(as(float{}));
    case Dtype::f64: break;
  }
  return f(as(double{}));
}

template <class T>
Array pack(Dtype dtype, Shape shape, std::span<const T> values) {
  Array array{dtype, std::move(shape), {}};
  if (array.count() != static_cast<std::int64_t>(values.size())) {
    throw Error(
        Exit::internal, "array.size",
        "array: shape " + shape_text(array.shape) + " does not hold " + std::to_string(values.size()) + " values");
  }
  const auto source = std::as_bytes(values);
  array.bytes.assign(source.begin(), source.end());
  return array;
}

std::string place_of(const std::string& name) { return name.empty() ? "" : "'" + escape_text(name) + "'"; }

// "row 7" of element i.
std::string row_of(const Array& array, std::size_t i) {
  const auto per_row = static_cast<std::size_t>(array.count() / array.rows());
  return "row " + std::to_string(i / per_row);
}

}  // namespace

std::string_view dtype_name(Dtype dtype) { return dtype_table[static_cast<std::size_t>(dtype)].name; }
std::size_t dtype_size(Dtype dtype) { return dtype_table[static_cast<std::size_t>(dtype)].size; }
bool is_floating(Dtype dtype) { return dtype >= Dtype::f16; }

std::string shape_text(const Shape& shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + (shape.size() == 1 ? ",)" : ")");
}

bool byte_count(const Shape& shape, std::size_t item_size, std::uint64_t& bytes) {
  constexpr auto limit = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  std::uint64_t product = item_size;
  bool empty = false;
  for (const auto size : shape) {
    const auto factor = static_cast<std::uint64_t>(size);
    if (factor == 0) {
      // Keep multiplying the others: (0, 2^62, 2^62) has no data but no valid strides either.
      empty = true;
    } else if (product > limit / factor) {
      return false;
    } else {
      product *= factor;
    }
  }
  bytes = empty ? 0 : product;
  return true;
}

std::int64_t Array::count() const {
  std::int64_t product = 1;
  for (const auto size : shape) product *= size;
  return product;
}

std::int64_t Array::rows() const { return shape.empty() ? 1 : shape.front(); }

Array make_array(Shape shape, std::span<const float> values) { return pack(Dtype::f32, std::move(shape), values); }
Array make_array(Shape shape, std::span<const double> values) { return pack(Dtype::f64, std::move(shape), values); }
Array make_array(Shape shape, std::span<const std::int32_t> values) {
  return pack(Dtype::i32, std::move(shape), values);
}
Array make_array(Shape shape, std::span<const std::int64_t> values) {
  return pack(Dtype::i64, std::move(shape), values);
}
Array make_array(Shape shape, std::span<const std::uint8_t> values) {
  return pack(Dtype::u8, std::move(shape), values);
}

std::vector<float> to_floats(const Array& array, const std::string& file, const std::string& name) {
  std::vector<float> out(static_cast<std::size_t>(array.count()));
  if (array.dtype == Dtype::f32) {
    if (!out.empty()) std::memcpy(out.data(), array.bytes.data(), array.bytes.size());
    return out;
  }
  with_elements(array, [&](auto at) {
    for (std::size_t i = 0; i < out.size(); ++i) {
      const auto value = at(i);
      if constexpr (std::is_same_v<decltype(value), const double>) {
        // Half a unit beyond the largest float still rounds down to it; from there on the result would be Inf.
        constexpr double limit = 0x1.ffffffp127;
        if (std::isfinite(value) && std::abs(value) >= limit) {
          char text[32];
          std::snprintf(text, sizeof text, "%.6g", value);
          reject_input("array.overflow", file, place_of(name),
                       row_of(array, i) + " holds " + text + ", outside float32's range of +-3.4e38",
                       "rescale the data before training on it");
        }
      }
      out[i] = static_cast<float>(value);
    }
  });
  return out;
}

std::vector<double> to_doubles(const Array& array) {
  std::vector<double> out(static_cast<std::size_t>(array.count()));
  with_elements(array, [&](auto at) {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<double>(at(i));
  });
  return out;
}

std::vector<std::int64_t> to_int64s(const Array& array, const std::string& file, const std::string& name) {
  std::vector<std::int64_t> out(static_cast<std::size_t>(array.count()));
  with_elements(array, [&](auto at) {
    for (std::size_t i = 0; i < out.size(); ++i) {
      const auto value = at(i);
      bool fits = true;
      if constexpr (std::is_floating_point_v<std::remove_const_t<decltype(value)>>) {
        const auto wide = static_cast<double>(value);
        fits = wide >= -0x1p63 && wide < 0x1p63 && wide == std::trunc(wide);
      } else if constexpr (std::is_same_v<decltype(value), const std::uint64_t>) {
        fits = value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
      }
      if (!fits) {
        reject_input("array.not-integer", file, place_of(name),
                     row_of(array, i) + " holds " + std::to_string(value) + ", expected a whole 64-bit number");
      }
      out[i] = static_cast<std::int64_t>(value);
    }
  });
  return out;
}

namespace {

// Calls bad_row(row) for each row holding NaN or Inf and counts the elements.
template <class F>
void scan_non_finite(const Array& array, NonFinite& found, F&& bad_row) {
  if (!is_floating(array.dtype) || array.count() == 0) return;
  const auto rows = static_cast<std::size_t>(array.rows());
  const auto per_row = static_cast<std::size_t>(array.count()) / rows;
  with_elements(array, [&](auto at) {
    for (std::size_t row = 0; row < rows; ++row) {
      const auto before = found.nan + found.inf;
      for (std::size_t i = row * per_row; i < (row + 1) * per_row; ++i) {
        const auto value = static_cast<double>(at(i));
        if (std::isfinite(value)) continue;
        ++(std::isnan(value) ? found.nan : found.inf);
      }
      if (found.nan + found.inf != before) bad_row(static_cast<std::int64_t>(row));
    }
  });
}

}  // namespace

NonFinite find_non_finite(const Array& array) {
  NonFinite found;
  scan_non_finite(array, found, [&](std::int64_t row) {
    ++found.rows;
    if (found.first_rows.size() < 5) found.first_rows.push_back(row);
  });
  return found;
}

std::vector<std::int64_t> non_finite_rows(const Array& array) {
  NonFinite found;
  std::vector<std::int64_t> rows;
  scan_non_finite(array, found, [&](std::int64_t row) { rows.push_back(row); });
  return rows;
}

void require_finite(const Array& array, const std::string& file, const std::string& name) {
  const NonFinite found = find_non_finite(array);
  if (found.rows == 0) return;
  std::string rows;
  for (const auto row : found.first_rows) rows += (rows.empty() ? "" : ", ") + std::to_string(row);
  if (found.rows > 5) rows += ", ...";
  reject_input("array.non-finite", file, place_of(name),
               std::to_string(found.nan) + " NaN and " + std::to_string(found.inf) + " Inf values in " +
                   std::to_string(found.rows) + " of " + std::to_string(array.rows()) + " rows (rows " + rows +
                   " counted from 0), expected finite numbers",
               "repair or drop these rows, in every file of the pair");
}

void require_feature_rank(const Array& array, const std::string& file, const std::string& name) {
  const auto rank = array.shape.size();
  if (rank != 2 && rank != 3) {
    reject_input("array.rank", file, place_of(name),
                 "shape " + shape_text(array.shape) + " has rank " + std::to_string(rank) +
                     ", expected rank 2 (rows, features) or 3 (rows, tokens, features)",
                 "reshape it: one row for each sample");
  }
  const bool no_features = std::any_of(array.shape.begin() + 1, array.shape.end(), [](auto n) { return n == 0; });
  if (array.rows() >= 2 && !no_features) return;
  reject_input("array.empty", file, place_of(name),
               "shape " + shape_text(array.shape) + " has " +
                   (no_features ? "no features, expected at least 1"
                                : std::to_string(array.rows()) + " rows, expected at least 2"),
               "check the step that exported this file");
}

}  // namespace triptych::data
