// data/array.h, data/float16.h and the text helpers of core/error.h.
#include "data/array.h"

#include <bit>
#include <cmath>
#include <limits>

#include "data/float16.h"
#include "tests/io_helpers.h"

namespace {

using namespace triptych;
using namespace triptych::data;
using io_test::check_refused;

constexpr float nan32 = std::numeric_limits<float>::quiet_NaN();
constexpr float inf32 = std::numeric_limits<float>::infinity();

Array sixteen(Dtype dtype, const std::vector<std::uint16_t>& bits) {
  const auto bytes = std::as_bytes(std::span(bits));
  return {dtype, {static_cast<std::int64_t>(bits.size())}, {bytes.begin(), bytes.end()}};
}

std::vector<std::uint16_t> all_patterns() {
  std::vector<std::uint16_t> bits(65536);
  for (std::size_t i = 0; i < bits.size(); ++i) bits[i] = static_cast<std::uint16_t>(i);
  return bits;
}

}  // namespace

TEST_CASE("float16: all 65,536 patterns widen to the value of the IEEE formula") {
  const auto bits = all_patterns();
  const auto values = to_floats(sixteen(Dtype::f16, bits));
  int wrong = 0;
  for (std::size_t i = 0; i < bits.size(); ++i) {
    const int exponent = (bits[i] >> 10) & 31;
    const int fraction = bits[i] & 1023;
    const bool negative = bits[i] >= 0x8000;
    const auto got = std::bit_cast<std::uint32_t>(values[i]);
    if (exponent == 31 && fraction != 0) {
      wrong += !(std::isnan(values[i]) && (got & 0x7FFFFFu) == static_cast<unsigned>(fraction) << 13);
    } else {
      double expected = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
      if (exponent == 31) expected = std::numeric_limits<double>::infinity();
      wrong += static_cast<double>(values[i]) != (negative ? -expected : expected);
    }
    wrong += std::signbit(values[i]) != negative;
  }
  CHECK(wrong == 0);
}

TEST_CASE("bfloat16: all 65,536 patterns are the upper half of a float32") {
  const auto bits = all_patterns();
  const auto values = to_floats(sixteen(Dtype::bf16, bits));
  int wrong = 0;
  for (std::size_t i = 0; i < bits.size(); ++i) wrong += std::bit_cast<std::uint32_t>(values[i]) != i << 16;
  CHECK(wrong == 0);
  CHECK(widen_bf16(0x3F80) == 1.0f);
  CHECK(widen_bf16(0xC040) == -3.0f);
}

TEST_CASE("array: numbers survive the way in and out for every constructor") {
  const std::vector<float> f{1.5f, -0.0f, 3e38f};
  const std::vector<double> d{0.1, -2.0, 1e-300};
  const std::vector<std::int32_t> i32{-1, 0, 2147483647};
  const std::vector<std::int64_t> i64{std::numeric_limits<std::int64_t>::min(), 0, 7};
  const std::vector<std::uint8_t> u8{0, 1, 255};
  CHECK(to_floats(make_array({3}, f)) == f);
  CHECK(to_doubles(make_array({3, 1}, d)) == d);
  CHECK(to_int64s(make_array({1, 3}, i32)) == std::vector<std::int64_t>{-1, 0, 2147483647});
  CHECK(to_int64s(make_array({3}, i64)) == i64);
  CHECK(to_floats(make_array({3}, u8)) == std::vector<float>{0, 1, 255});
  CHECK(make_array({3}, d).dtype == Dtype::f64);
  CHECK(make_array({0, 4}, std::vector<float>{}).count() == 0);
  CHECK(make_array({}, std::vector<float>{2}).rows() == 1);
  CHECK(to_floats(Array{Dtype::boolean, {3}, {std::byte{0}, std::byte{1}, std::byte{7}}}) ==
        std::vector<float>{0, 1, 1});
  check_refused([&] { make_array({2}, f); }, "array.size", {"(2,)", "3 values"}, Exit::internal);
}

TEST_CASE("array: names, sizes and shapes print as NumPy prints them") {
  CHECK(dtype_name(Dtype::boolean) == "bool");
  CHECK(dtype_name(Dtype::bf16) == "bfloat16");
  CHECK(dtype_name(Dtype::f64) == "float64");
  CHECK(dtype_size(Dtype::u16) == 2);
  CHECK(dtype_size(Dtype::u64) == 8);
  CHECK(shape_text({}) == "()");
  CHECK(shape_text({3}) == "(3,)");
  CHECK(shape_text({3, 4}) == "(3, 4)");
}

TEST_CASE("array: byte counts that overflow are noticed, also behind a zero") {
  std::uint64_t bytes = 1;
  CHECK(byte_count({}, 8, bytes));
  CHECK(bytes == 8);
  CHECK(byte_count({0, 5}, 8, bytes));
  CHECK(bytes == 0);
  constexpr auto big = std::int64_t{1} << 40;
  CHECK(byte_count({1 << 20, big}, 4, bytes));
  CHECK_FALSE(byte_count({big, big}, 1, bytes));
  CHECK_FALSE(byte_count({0, big, big}, 1, bytes));
}

TEST_CASE("array: a conversion that would lose the value is refused with its row") {
  check_refused(
      [] {
        to_floats(make_array({2, 2}, std::vector<double>{1, 2, 3, 1e39}), "a.npy");
      },
      "array.overflow", {"a.npy", "row 1", "1e+39", "3.4e38"});
  CHECK(to_floats(make_array({1}, std::vector<double>{std::numeric_limits<float>::max()}))[0] ==
        std::numeric_limits<float>::max());
  CHECK(std::isinf(to_floats(make_array({1}, std::vector<double>{-HUGE_VAL}))[0]));
  check_refused(
      [] {
        to_int64s(make_array({3}, std::vector<float>{1, 2, 2.5f}), "m.npz", "lengths");
      },
      "array.not-integer", {"m.npz", "'lengths'", "row 2", "2.5", "whole"});
  check_refused([] { to_int64s(make_array({1}, std::vector<float>{nan32})); }, "array.not-integer", {"nan"});
  check_refused([] { to_int64s(make_array({1}, std::vector<double>{0x1p63})); }, "array.not-integer", {"row 0"});
  Array u64{Dtype::u64, {1}, std::vector<std::byte>(8, std::byte{0xFF})};
  check_refused([&] { to_int64s(u64); }, "array.not-integer", {"18446744073709551615"});
}

TEST_CASE("array: NaN and Inf are counted and the first five rows named") {
  std::vector<float> values(20, 1.0f);
  for (const std::size_t row : {1u, 3u, 4u, 6u, 7u, 9u}) values[2 * row] = nan32;
  values[3] = inf32;
  values[13] = -inf32;
  const Array array = make_array({10, 2}, values);
  const NonFinite found = find_non_finite(array);
  CHECK(found.nan == 6);
  CHECK(found.inf == 2);
  CHECK(found.rows == 6);
  CHECK(found.first_rows == std::vector<std::int64_t>{1, 3, 4, 6, 7});
  CHECK(non_finite_rows(array) == std::vector<std::int64_t>{1, 3, 4, 6, 7, 9});
  check_refused([&] { require_finite(array, "x.npz", "image"); }, "array.non-finite",
                {"x.npz", "'image'", "6 NaN", "2 Inf", "6 of 10 rows", "1, 3, 4, 6, 7, ...", "expected finite"});
  CHECK_NOTHROW(require_finite(make_array({2}, std::vector<std::int64_t>{1, 2}), "i.npy"));
  CHECK_NOTHROW(require_finite(make_array({0, 3}, std::vector<float>{}), "e.npy"));
  CHECK(find_non_finite(make_array({}, std::vector<double>{HUGE_VAL})).first_rows == std::vector<std::int64_t>{0});
  CHECK(find_non_finite(sixteen(Dtype::f16, {0x7C00, 0x7BFF, 0x7E01})).rows == 2);
  CHECK(find_non_finite(sixteen(Dtype::bf16, {0x7F80, 0x7F7F, 0xFFC0})).rows == 2);
}

TEST_CASE("array: N17 features need rank 2 or 3, two rows and a feature") {
  const auto refuse = [](Shape shape, std::string_view code, std::string_view part) {
    std::uint64_t bytes = 0;
    REQUIRE(byte_count(shape, 4, bytes));
    const Array array{Dtype::f32, shape, std::vector<std::byte>(bytes)};
    check_refused([&] { require_feature_rank(array, "f.npy", "text"); }, code,
                  {"f.npy", "'text'", shape_text(shape), part, "expected"});
  };
  refuse({}, "array.rank", "rank 0");
  refuse({5}, "array.rank", "rank 1");
  refuse({2, 2, 2, 2}, "array.rank", "rank 4");
  refuse({0, 4}, "array.empty", "0 rows");
  refuse({1, 4}, "array.empty", "1 rows");
  refuse({4, 0}, "array.empty", "no features");
  refuse({4, 0, 3}, "array.empty", "no features");
  CHECK_NOTHROW(require_feature_rank(make_array({2, 1}, std::vector<float>{1, 2}), "f.npy"));
  CHECK_NOTHROW(require_feature_rank(make_array({2, 1, 1}, std::vector<float>{1, 2}), "f.npy"));
}

TEST_CASE("error: the nearest name is suggested and nothing far-fetched") {
  const std::vector<std::string> names{"image", "text", "lengths"};
  CHECK(nearest("imgae", names) == "image");
  CHECK(nearest("Text", names) == "text");
  CHECK(nearest("length", names) == "lengths");
  CHECK(nearest("audio", names).empty());
  CHECK(nearest("", names).empty());
  CHECK(nearest("x", {"y"}).empty());
  CHECK(nearest(std::string(1 << 20, 'a'), names).empty());
}

TEST_CASE("error: untrusted text is printed escaped") {
  CHECK(escape_text("plain name.npy") == "plain name.npy");
  CHECK(escape_text("gr\u00fc\u00df \u5b57 \U0001F600") == "gr\u00fc\u00df \u5b57 \U0001F600");
  CHECK(escape_text("a\nb\tc\\") == "a\\nb\\tc\\\\");
  CHECK(escape_text("\x1b[31mred") == "\\x1b[31mred");
  CHECK(escape_text(std::string_view("\0", 1)) == "\\x00");
  CHECK(escape_text("\xff\xc0\xaf") == "\\xff\\xc0\\xaf");
  CHECK(escape_text("\u202egpj.exe") == "\\u{202e}gpj.exe");
  CHECK(escape_text("\u009b31m") == "\\u{9b}31m");
  CHECK(escape_text(std::string(1000, 'x'), 4) == "xxxx... (1000 bytes)");
  CHECK(is_utf8("\u00fc\U0001F600"));
  for (const char* bad :
       {"\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82"}) {
    CHECK_FALSE(is_utf8(bad));
  }
}
