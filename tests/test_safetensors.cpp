// The safetensors reader and writer: rows S1 to S12, S14 and S15 of the bad-input table.
#include "data/safetensors.h"

#include <algorithm>
#include <chrono>

#include "data/bytes.h"
#include "tests/io_helpers.h"

namespace {

using namespace triptych;
using namespace triptych::data;
using io_test::check_refused;
using io_test::raw;
using io_test::TempDir;

std::string file_of(const std::string& json, const std::string& data = {}) {
  return raw(static_cast<std::uint64_t>(json.size())) + json + data;
}

// "name": {...} of one tensor.
std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& offsets) {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}";
}

Error refuse(const std::string& bytes, std::string_view code, std::initializer_list<std::string_view> parts) {
  const TempDir dir;
  const std::string path = dir.file("x.safetensors", bytes);
  const auto start = std::chrono::steady_clock::now();
  const Error error = check_refused([&] { read_safetensors(path); }, code, parts, Exit::input, bytes.size());
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));
  CHECK(std::string(error.what()).starts_with(path + ": "));
  CHECK(error.file == path);
  CHECK_FALSE(error.hint.empty());
  CHECK(dir.entries() == 1);
  return error;
}

Safetensors parse(const std::string& bytes) { return parse_safetensors(as_bytes(bytes), "x.safetensors"); }

}  // namespace

TEST_CASE("safetensors: tensors come in the order of their bytes, with the metadata") {
  const auto content =
      parse(file_of("{" + entry("b", "F32", "[1]", "[4,8]") + ",\"__metadata__\":{\"k\":\"v\",\"\":\"\"}," +
                        entry("a", "I16", "[2,1]", "[0,4]") + "}",
                    raw<std::int16_t>(-3) + raw<std::int16_t>(9) + raw(1.5f)));
  REQUIRE(content.tensors.size() == 2);
  CHECK(content.tensors[0].first == "a");
  CHECK(content.tensors[0].second.shape == Shape{2, 1});
  CHECK(to_int64s(content.tensors[0].second) == std::vector<std::int64_t>{-3, 9});
  CHECK(to_floats(content.tensors[1].second) == std::vector<float>{1.5f});
  CHECK(content.metadata == std::map<std::string, std::string>{{"k", "v"}, {"", ""}});
  CHECK(parse(file_of("{}")).tensors.empty());
}

TEST_CASE("safetensors S1, S2: header lengths that lie") {
  refuse("", "safetensors.length", {"too short", "0 bytes"});
  refuse("1234567", "safetensors.length", {"7 bytes", "expected at least 10"});
  refuse(raw<std::uint64_t>(0), "safetensors.length", {"header of 0 bytes", "at least 2"});
  refuse(raw<std::uint64_t>(1) + "{", "safetensors.length", {"header of 1 bytes"});
  refuse(raw<std::uint64_t>(100'000'001) + "{}", "safetensors.length", {"100000001 bytes", "at most 100000000"});
  refuse(raw<std::uint64_t>(100'000'000) + "{}", "safetensors.length", {"100000000 bytes", "only 2 follow"});
  refuse(raw(~std::uint64_t{0}) + "{}", "safetensors.length", {"18446744073709551615 bytes"});
  refuse(raw(~std::uint64_t{0} - 7) + "{}", "safetensors.length", {"18446744073709551608 bytes"});
  refuse(raw<std::uint64_t>(3) + "{}", "safetensors.length", {"header of 3 bytes", "only 2 follow"});
  CHECK(refuse("version https://git-lfs.github.com/spec/v1\noid", "safetensors.length", {"a Git LFS pointer"})
            .hint.find("git lfs pull") != std::string::npos);
}

TEST_CASE("safetensors S3: the header begins with a brace and may only be padded behind") {
  refuse(file_of(" {}"), "safetensors.json", {"header", "begins with ' '", "expected '{'"});
  refuse(file_of("[]"), "safetensors.json", {"begins with '['"});
  refuse(file_of("\xef\xbb\xbf{}"), "safetensors.json", {"begins with '\\xef'"});
  CHECK(parse(file_of("{}      ")).tensors.empty());
  refuse(file_of("{} x"), "safetensors.json", {"header byte 4", "not valid JSON"});
  refuse(file_of("{}{}"), "safetensors.json", {"header byte 3"});
  refuse(file_of(std::string("{}\0x", 4)), "safetensors.json", {"NUL at header byte 2"});
  refuse(file_of("{\"a\":"), "safetensors.json", {"not valid JSON"});
  refuse(file_of("{\"a\": // c\n 1}"), "safetensors.json", {"not valid JSON"});
}

TEST_CASE("safetensors S4: invalid UTF-8, lone surrogates and NUL in names") {
  const auto named = [](const std::string& name) { return file_of("{" + entry(name, "F32", "[0]", "[0,0]") + "}"); };
  refuse(named("\xff"), "safetensors.json", {"not valid JSON", "UTF-8"});
  refuse(named("\xc0\xaf"), "safetensors.json", {"not valid JSON"});
  refuse(named("\\ud800"), "safetensors.json", {"not valid JSON"});
  refuse(named("\\udc00x"), "safetensors.json", {"not valid JSON"});
  refuse(named("a\\u0000b"), "safetensors.json", {"'a\\x00b' holds NUL"});
  refuse(named(std::string("a\0b", 3)), "safetensors.json", {"NUL"});
  refuse(named("a\nb"), "safetensors.json", {"not valid JSON"});
  CHECK(parse(named("\\ud83d\\ude00\u00fc")).tensors[0].first == "\U0001F600\u00fc");
}

TEST_CASE("safetensors S5: duplicates are called duplicates") {
  const std::string a = entry("a", "F32", "[0]", "[0,0]");
  refuse(file_of("{" + a + "," + a + "}"), "safetensors.duplicate", {"tensor 'a'", "duplicate name"});
  refuse(file_of("{\"__metadata__\":{},\"__metadata__\":{}}"), "safetensors.duplicate", {"__metadata__", "duplicate"});
  refuse(file_of("{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}"), "safetensors.duplicate", {"'k'", "duplicate key"});
  for (const std::string field : {"\"dtype\":\"F32\"", "\"shape\":[0]", "\"data_offsets\":[0,0]"}) {
    refuse(file_of("{\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]," + field + "}}"),
           "safetensors.duplicate", {"tensor 'a'", "duplicate field"});
  }
}

TEST_CASE("safetensors S6: metadata holds strings only") {
  for (const std::string value : {"1", "-1", "1.5", "null", "true", "[]", "{}", "[\"x\"]"}) {
    CAPTURE(value);
    refuse(file_of("{\"__metadata__\":{\"k\":" + value + "}}"), "safetensors.json",
           {"__metadata__: 'k'", "expected only strings"});
  }
  refuse(file_of("{\"__metadata__\":\"x\"}"), "safetensors.json", {"__metadata__", "found a string"});
}

TEST_CASE("safetensors S7: offsets that are no offsets") {
  const auto offsets = [](const std::string& text, std::string_view part) {
    CAPTURE(text);
    refuse(file_of("{" + entry("a", "F32", "[1]", text) + "}", "1234"), "safetensors.field",
           {"tensor 'a'", "'data_offsets'", part});
  };
  offsets("[4,0]", "reversed: [4, 0]");
  offsets("[-4,0]", "negative number -4");
  offsets("[0,4.0]", "4.0, expected a whole number");
  offsets("[0,1e2]", "1e2, expected a whole number");
  offsets("[0,9007199254740993]", "at most 2^53");
  offsets("[0,99999999999999999999999]", "99999999999999999999999, expected a whole number");
  offsets("[0]", "1 numbers, expected two");
  offsets("[]", "0 numbers, expected two");
  offsets("[0,4,8]", "three or more");
  offsets("[0,\"4\"]", "found a string");
  offsets("[0,null]", "found null");
  offsets("[0,[4]]", "found an array");
  offsets("4", "found a number");
  for (const std::string missing : {"dtype", "shape", "data_offsets"}) {
    std::string json = "{\"a\":{";
    if (missing != "dtype") json += "\"dtype\":\"F32\",";
    if (missing != "shape") json += "\"shape\":[1],";
    if (missing != "data_offsets") json += "\"data_offsets\":[0,4],";
    json.back() = '}';
    refuse(file_of(json + "}", "1234"), "safetensors.field", {"tensor 'a'", "'" + missing + "' is missing"});
  }
  refuse(file_of("{\"a\":{\"evil\":1}}"), "safetensors.field", {"'evil'", "unknown field"});
  refuse(file_of("{\"a\":{\"dtype\":3}}"), "safetensors.field", {"'dtype'", "found a number"});
  refuse(file_of("{\"a\":{\"shape\":\"x\"}}"), "safetensors.field", {"'shape'", "found a string"});
  refuse(file_of("{\"a\":3}"), "safetensors.json", {"tensor 'a'", "expected an object"});
}

TEST_CASE("safetensors S8: tensors must fill the buffer exactly") {
  const auto pair = [](const std::string& first, const std::string& second, const std::string& data) {
    return file_of("{" + entry("a", "F32", "[1]", first) + "," + entry("b", "F32", "[1]", second) + "}", data);
  };
  CHECK(parse(pair("[0,4]", "[4,8]", "12345678")).tensors.size() == 2);
  refuse(pair("[0,4]", "[2,6]", "123456"), "safetensors.overlap",
         {"tensor 'b'", "buffer byte 2", "expected 4", "overlap"});
  refuse(pair("[0,4]", "[0,4]", "1234"), "safetensors.overlap", {"tensor 'b'"});
  refuse(pair("[0,4]", "[5,9]", "123456789"), "safetensors.hole", {"tensor 'b'", "buffer byte 5", "hole"});
  refuse(pair("[1,5]", "[5,9]", "123456789"), "safetensors.start", {"tensor 'a'", "byte 1", "first tensor at 0"});
  refuse(pair("[0,4]", "[4,8]", "1234567"), "safetensors.end", {"tensor 'b'", "byte 8", "at most 7"});
  refuse(pair("[0,4]", "[4,8]", "123456789012"), "safetensors.trailing", {"4 trailing bytes"});
  refuse(file_of("{}", "x"), "safetensors.trailing", {"1 trailing bytes"});
  refuse(file_of("{" + entry("a", "F32", "[2]", "[0,8]") + "," + entry("z", "F32", "[0]", "[3,3]") + "}", "12345678"),
         "safetensors.overlap", {"tensor 'z'"});
}

TEST_CASE("safetensors S9: shape and dtype must ask for the bytes the offsets give") {
  const auto shaped = [](const std::string& shape) {
    return file_of("{" + entry("a", "F32", shape, "[0,8]") + "}", "12345678");
  };
  CHECK(parse(shaped("[1,2]")).tensors[0].second.shape == Shape{1, 2});
  refuse(shaped("[3]"), "safetensors.size", {"tensor 'a'", "(3,) of F32 needs 12 bytes", "give 8"});
  refuse(shaped("[4294967296,4294967296]"), "safetensors.size", {"overflows 64 bits"});
  refuse(shaped("[4611686018427387906]"), "safetensors.field", {"'shape'", "at most 2^53"});
  refuse(shaped("[-1]"), "safetensors.field", {"'shape'", "negative number -1"});
  refuse(shaped("[2.0]"), "safetensors.field", {"'shape'", "2.0"});
  refuse(shaped("[true]"), "safetensors.field", {"'shape'", "true or false"});
  std::string ones = "[2";
  for (int i = 0; i < 999; ++i) ones += ",1";
  refuse(shaped(ones + "]"), "safetensors.field", {"more than 64 dimensions"});
}

TEST_CASE("safetensors S10: unknown and narrow dtypes are refused after every other check") {
  const auto typed = [](const std::string& dtype, const std::string& shape, const std::string& offsets) {
    return file_of("{" + entry("a", dtype, shape, offsets) + "}", "12345678");
  };
  refuse(typed("F128", "[1]", "[0,8]"), "safetensors.dtype", {"tensor 'a'", "unknown dtype 'F128'", "expected BOOL"});
  refuse(typed("f32", "[2]", "[0,8]"), "safetensors.dtype", {"unknown dtype 'f32'"});
  refuse(typed("", "[2]", "[0,8]"), "safetensors.dtype", {"unknown dtype ''"});
  refuse(typed("F4", "[16]", "[0,8]"), "safetensors.dtype", {"unsupported dtype 'F4'"});
  refuse(typed("F8_E4M3", "[8]", "[0,8]"), "safetensors.dtype", {"unsupported dtype 'F8_E4M3'"});
  refuse(typed("F4", "[15]", "[0,8]"), "safetensors.size", {"60 bits", "multiple of 8"});
  refuse(typed("F4", "[14]", "[0,8]"), "safetensors.size", {"needs 7 bytes"});
  refuse(typed("F128", "[1]", "[0,7]"), "safetensors.trailing", {"1 trailing bytes"});
  refuse(typed("F128", "[1]", "[1,8]"), "safetensors.start", {"tensor 'a'"});
  refuse(typed("F128", "[4294967296,4294967296]", "[0,8]"), "safetensors.size", {"overflows"});
}

TEST_CASE("safetensors S11: empty and rank-0 tensors load") {
  const auto content = parse(file_of("{" + entry("z", "F32", "[0]", "[0,0]") + "," + entry("s", "F32", "[]", "[0,4]") +
                                         "," + entry("e", "I64", "[3,0,2]", "[4,4]") + "}",
                                     raw(2.5f)));
  REQUIRE(content.tensors.size() == 3);
  CHECK(content.tensors[0].first == "z");
  CHECK(to_floats(content.tensors[1].second) == std::vector<float>{2.5f});
  CHECK(content.tensors[1].second.shape.empty());
  CHECK(content.tensors[2].second.shape == Shape{3, 0, 2});
}

TEST_CASE("safetensors S12: deep, wide and absurd JSON") {
  const std::string deep(100000, '[');
  refuse(file_of("{\"a\":" + deep), "safetensors.json", {"tensor 'a'", "found an array"});
  refuse(file_of("{\"a\":{\"shape\":" + deep), "safetensors.field", {"found an array"});
  std::string objects;
  for (int i = 0; i < 100000; ++i) objects += "{\"a\":";
  refuse(file_of(objects), "safetensors.field", {"unknown field"});
  std::string wide = "{";
  for (int i = 0; i < 1000000; ++i) wide += entry(std::to_string(i), "U8", "[0]", "[0,0]") + ",";
  wide.back() = '}';
  refuse(file_of(wide), "safetensors.json", {"more than 100000 tensors"});
  std::string metadata = "{\"__metadata__\":{";
  for (int i = 0; i < 200000; ++i) metadata += "\"" + std::to_string(i) + "\":\"\",";
  metadata.back() = '}';
  refuse(file_of(metadata + "}"), "safetensors.json", {"more than 100000 metadata entries"});
  const auto number = [](const std::string& text) { return file_of("{\"a\":{\"shape\":[" + text + "]}}"); };
  refuse(number(std::string(1 << 20, '9')), "safetensors.json", {"out of range"});
  refuse(number("0." + std::string(1 << 20, '9')), "safetensors.field", {"0.999", "whole number"});
  refuse(number("1e999"), "safetensors.json", {"1e999", "out of range"});
  refuse(number("NaN"), "safetensors.json", {"not valid JSON"});
  refuse(number("Infinity"), "safetensors.json", {"not valid JSON"});
  refuse(number("01"), "safetensors.json", {"not valid JSON"});
}

TEST_CASE("safetensors S14: a file cut at any length is refused, never half loaded") {
  const std::string whole = file_of("{" + entry("a", "F32", "[2]", "[0,8]") + "}", "12345678");
  for (std::size_t length = 0; length < whole.size(); ++length) CHECK_THROWS_AS(parse(whole.substr(0, length)), Error);
}

TEST_CASE("safetensors S15: names that differ in case, hold markup or escape codes") {
  const auto content = parse(file_of("{" + entry("W", "U8", "[0]", "[0,0]") + "," + entry("w", "U8", "[0]", "[0,0]") +
                                     "," + entry("<script>", "U8", "[0]", "[0,0]") + "}"));
  CHECK(content.tensors.size() == 3);
  refuse(file_of("{" + entry("\\u001b[31m\\n\\u202e", "U8", "[1]", "[0,0]") + "}"), "safetensors.size",
         {"tensor '\\x1b[31m\\n\\u{202e}'"});
}

TEST_CASE("safetensors: what is written is read back") {
  const TempDir dir;
  Safetensors content;
  content.metadata = {{"format", "triptych"}, {"quote\"\\\n", "\u00fc</script>"}};
  for (int d = 0; d <= static_cast<int>(Dtype::f64); ++d) {
    Array array{static_cast<Dtype>(d), {3, 5}, {}};
    array.bytes.resize(15 * dtype_size(array.dtype));
    for (std::size_t i = 0; i < array.bytes.size(); ++i) array.bytes[i] = static_cast<std::byte>(i * 91 + 3);
    content.tensors.emplace_back("t/" + std::string(dtype_name(array.dtype)), array);
  }
  content.tensors.emplace_back("scalar", make_array({}, std::vector<float>{4}));
  content.tensors.emplace_back("empty", make_array({0, 2}, std::vector<double>{}));
  write_safetensors(dir / "a.safetensors", content);
  const Safetensors back = read_safetensors(dir / "a.safetensors");
  CHECK(back.metadata == content.metadata);
  REQUIRE(back.tensors.size() == content.tensors.size());
  std::size_t last = 8;
  for (const auto& [name, array] : back.tensors) {
    const auto original =
        std::find_if(content.tensors.begin(), content.tensors.end(), [&](const auto& t) { return t.first == name; });
    REQUIRE(original != content.tensors.end());
    CHECK(array.dtype == original->second.dtype);
    CHECK(array.shape == original->second.shape);
    CHECK(array.bytes == original->second.bytes);
    // Falling element size keeps every tensor aligned; an empty one has no size to keep to.
    CHECK(dtype_size(array.dtype) <= last);
    if (array.count() > 0) last = dtype_size(array.dtype);
  }
  const std::string bytes = io_test::slurp(dir / "a.safetensors");
  CHECK(load<std::uint64_t>(as_bytes(bytes), 0) % 8 == 0);
  CHECK(dir.entries() == 1);
  CHECK(parse(io_test::to_string(serialize_safetensors({}))).tensors.empty());
}

TEST_CASE("safetensors: names that cannot be written are refused and nothing is created") {
  const TempDir dir;
  const Array one = make_array({1}, std::vector<float>{1});
  const auto refuse_write = [&](const Safetensors& content) {
    check_refused([&] { write_safetensors(dir / "a", content); }, "safetensors.name", {}, Exit::output);
  };
  refuse_write({{}, {{"a", one}, {"a", one}}});
  refuse_write({{}, {{"__metadata__", one}}});
  refuse_write({{}, {{"\xff", one}}});
  refuse_write({{}, {{std::string("a\0b", 3), one}}});
  refuse_write({{{"k", "\xff"}}, {}});
  CHECK(dir.entries() == 0);
}
