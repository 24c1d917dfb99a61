// The .npy reader and writer: rows N1 to N16 and N18 of the bad-input table (N17 is in test_array.cpp).
#include "data/npy.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "data/bytes.h"
#include "data/read_file.h"
#include "tests/io_helpers.h"

namespace {

using namespace triptych;
using namespace triptych::data;
using io_test::check_refused;
using io_test::raw;
using io_test::TempDir;

// A file of the given version around a header literal and data.
std::string npy(const std::string& literal, const std::string& data = {}, int version = 1) {
  const std::string length =
      version == 1 ? raw(static_cast<std::uint16_t>(literal.size())) : raw(static_cast<std::uint32_t>(literal.size()));
  return std::string("\x93NUMPY") + static_cast<char>(version) + '\0' + length + literal + data;
}

std::string literal(const std::string& descr, const std::string& shape, const std::string& fortran = "False") {
  return "{'descr': '" + descr + "', 'fortran_order': " + fortran + ", 'shape': " + shape + ", }\n";
}

Array parse(const std::string& bytes, const NpyOptions& options = {}) {
  return parse_npy(as_bytes(bytes), "x.npy", "", options);
}

Error refuse(const std::string& bytes, std::string_view code, std::initializer_list<std::string_view> parts) {
  check_refused([&] { parse(bytes); }, code, {"x.npy"});
  const TempDir dir;
  const std::string path = dir.file("x.npy", bytes);
  const Error error = check_refused([&] { read_npy(path); }, code, parts);
  CHECK(std::string(error.what()).starts_with(path + ": "));
  CHECK(error.file == path);
  CHECK(dir.entries() == 1);
  return error;
}

}  // namespace

TEST_CASE("npy N1: empty, five bytes and magic only are too short") {
  CHECK(refuse("", "npy.too-short", {"too short for a NumPy file", "0 bytes", "expected at least 10"}).hint != "");
  refuse("\x93NUMP", "npy.too-short", {"too short for a NumPy file", "5 bytes"});
  refuse("\x93NUMPY", "npy.too-short", {"6 bytes"});
  refuse(std::string("\x93NUMPY\x02\x00\x10\x00", 10), "npy.too-short", {"10 bytes", "at least 12"});
}

TEST_CASE("npy N2: other formats are recognised by their first bytes") {
  const auto looks = [](const std::string& bytes, std::string_view as, std::string_view hint) {
    const Error error = refuse(bytes, "npy.magic", {"looks like", as, "expected a NumPy array"});
    CHECK(error.hint.find(hint) != std::string::npos);
  };
  looks("1.0 2.0\n3.0 4.0\n", "text", "np.loadtxt");
  looks(std::string("PK\x03\x04\x14\x00", 6), "a ZIP archive", ".npz");
  looks("\x89PNG\r\n\x1a\n", "a PNG picture", "features");
  looks("\xff\xd8\xff\xe0", "a JPEG picture", "features");
  looks("\x89HDF\r\n\x1a\n", "an HDF5 file", "np.save");
  looks("\x80\x04\x95", "a Python pickle", "never loaded");
  looks("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a Git LFS pointer", "git lfs pull");
  looks("\n<!DOCTYPE HTML><html>", "an HTML page", "fetch the file again");
  looks("<html><body>404", "an HTML page", "fetch");
  looks(std::string("\x01\x02\x00\xff", 4), "unknown data (first bytes 01 02 00 ff)", "right file");
}

TEST_CASE("npy N3: unknown versions") {
  refuse(npy(literal("<f4", "(0,)"), "", 4), "npy.version", {"version 4.0", "expected 1.0, 2.0 or 3.0"});
  refuse(npy(literal("<f4", "(0,)"), "", 0), "npy.version", {"version 0.0"});
  std::string minor = npy(literal("<f4", "(0,)"));
  minor[7] = 1;
  refuse(minor, "npy.version", {"version 1.1"});
}

TEST_CASE("npy N4, N5: header lengths that lie") {
  refuse(std::string("\x93NUMPY\x02\x00\xf0\xff\xff\xff", 12), "npy.header-length",
         {"claims 4294967280 bytes", "at most 10000"});
  std::string off_by_one = npy(literal("<f4", "()"));
  const auto header = off_by_one.size() - 10;
  off_by_one[8] = static_cast<char>(header + 1);
  refuse(off_by_one, "npy.header-length",
         {"is " + std::to_string(header + 1) + " bytes", "only " + std::to_string(header) + " follow"});
}

TEST_CASE("npy N6: missing, unknown and repeated keys are named") {
  refuse(npy("{'fortran_order': False, 'shape': ()}"), "npy.key", {"header", "'descr' is missing"});
  refuse(npy("{'descr': '<f4', 'fortran_order': False}"), "npy.key", {"'shape' is missing"});
  refuse(npy("{'descr': '<f4', 'shape': ()}"), "npy.key", {"'fortran_order' is missing"});
  refuse(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (), 'evil\x1b': 1}"), "npy.key",
         {"unknown key 'evil\\x1b'", "expected descr"});
  refuse(npy("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': ()}"), "npy.key",
         {"'descr' appears twice"});
  refuse(npy("{'shape': (), 'shape': (), 'descr': '<f4', 'fortran_order': False}"), "npy.key",
         {"'shape' appears twice"});
}

TEST_CASE("npy N7: headers that are not a plain dict literal") {
  for (const std::string text :
       {"[1, 2]", "hello", "", "{", "{'descr'", "{'descr': '<f4", "{'descr': '<f4'",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3,)", "{,}",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': ()}", "{'descr': 'a\\x41', 'fortran_order': False, 'shape': ()}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': ()} + x",
        "dict(descr='<f4', fortran_order=False, shape=())"}) {
    CAPTURE(text);
    refuse(npy(text), "npy.header", {"header", "found", "expected"});
  }
  std::string padded = literal("<f4", "()");
  padded.insert(padded.size() - 1, 10001 - padded.size(), ' ');
  refuse(npy(padded), "npy.header-length", {"10001", "10000"});
  padded.erase(padded.size() - 2, 1);
  CHECK(parse(npy(padded, raw(1.0f))).shape.empty());
  refuse(npy(std::string("{'descr': '<f4\0', 'fortran_order': False, 'shape': ()}", 53)), "npy.header", {"NUL"});
  refuse(npy("{'descr': '\xff', 'fortran_order': False, 'shape': ()}"), "npy.header", {"UTF-8"});
}

TEST_CASE("npy N8: a huge shape without data is refused before allocating") {
  refuse(npy(literal("<f8", "(65536, 65536)")), "npy.data-short",
         {"data", "0 bytes found", "expected 34359738368", "(65536, 65536)", "float64"});
}

TEST_CASE("npy N9: shapes that are no shapes") {
  const auto shape = [](const std::string& text, std::string_view part) {
    CAPTURE(text);
    refuse(npy(literal("<f8", text)), "npy.shape", {"header", part});
  };
  shape("(4294967296, 4294967296)", "more than 2^63");
  shape("(0, 4294967296, 4294967296)", "more than 2^63");
  shape("(1152921504606846976,)", "more than 2^63");
  shape("(-1,)", "negative");
  shape("(9223372036854775808,)", "2^63 or more");
  shape("(99999999999999999999999999,)", "2^63 or more");
  shape("(1e3,)", "other than whole numbers");
  shape("(1.5,)", "other than whole numbers");
  shape("(True,)", "other than whole numbers");
  shape("(None,)", "other than whole numbers");
  std::string ones = "(";
  for (int i = 0; i < 64; ++i) ones += "1, ";
  CHECK(parse(npy(literal("<f4", ones + ")"), raw(2.0f))).shape.size() == 64);
  shape(ones + "1)", "more than 64 dimensions");
  refuse(npy(literal("<f4", "(3, 4}")), "npy.shape", {"other than whole numbers (header character"});
  refuse(npy(literal("<f4", "5")), "npy.header", {"found '5", "a tuple"});
  refuse(npy(literal("<f4", "(5)")), "npy.header", {"expected ','"});
  refuse(npy(literal("<f4", "[5]")), "npy.header", {"a tuple"});
  CHECK(parse(npy(literal("<f4", "(1L,)"), raw(2.0f))).shape == Shape{1});
}

TEST_CASE("npy N10: data one byte short or long") {
  const std::string data = raw(1.0f) + raw(2.0f);
  refuse(npy(literal("<f4", "(2,)"), data.substr(1)), "npy.data-short", {"7 bytes found", "expected 8", "(2,)"});
  CHECK(refuse(npy(literal("<f4", "(2,)"), data + "x"), "npy.trailing", {"9 bytes found", "expected 8"}).hint ==
        "export the file again: np.save(path, array)");  // an option would be one of inspect alone
  NpyOptions trailing;
  trailing.allow_trailing = true;
  CHECK(to_floats(parse(npy(literal("<f4", "(2,)"), data + "x"), trailing)) == std::vector<float>{1, 2});
  const TempDir dir;
  CHECK(to_floats(read_npy(dir.file("t.npy", npy(literal("<f4", "(2,)"), data + "x")), trailing)) ==
        std::vector<float>{1, 2});
}

TEST_CASE("npy N11, N12: object, structured, string, date and complex dtypes") {
  CHECK(refuse(npy(literal("|O", "(1,)"), "\x80\x04N."), "npy.object", {"'|O'", "never loaded"}).hint.find("np.save") !=
        std::string::npos);
  for (const std::string descr :
       {"<c8", "<c16", "|S5", "<U3", "<M8[ns]", "<m8[s]", "|V7", "<f16", "<f3", "<x4", "", "<", "|f4"}) {
    CAPTURE(descr);
    refuse(npy(literal(descr, "(1,)")), "npy.dtype", {"dtype '" + descr + "'", "expected bool, int"});
  }
  refuse(npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}"), "npy.dtype", {"structured"});
  refuse(npy("{'descr': [('\xc3\xbc', '<f4')], 'fortran_order': False, 'shape': (1,)}", "", 3), "npy.dtype",
         {"structured"});
}

TEST_CASE("npy N13: bfloat16 needs an option and then loads exactly") {
  const std::string file =
      npy(literal("<V2", "(3,)"), raw<std::uint16_t>(0x3F80) + raw<std::uint16_t>(0xC049) + raw<std::uint16_t>(0x0001));
  CHECK(refuse(file, "npy.dtype", {"'<V2'", "bfloat16"}).hint.starts_with("save as float32: "));
  NpyOptions bf16;
  bf16.v2_is_bfloat16 = true;
  const Array array = parse(file, bf16);
  CHECK(array.dtype == Dtype::bf16);
  CHECK(to_floats(array) == std::vector<float>{1.0f, -3.140625f, 0x1p-133f});
  CHECK(parse(npy(literal("|V2", "(1,)"), "ab"), bf16).dtype == Dtype::bf16);
}

TEST_CASE("npy N14: big-endian files of every width load equal to little-endian ones") {
  for (const std::string type : {"i2", "u2", "f2", "i4", "u4", "f4", "i8", "u8", "f8"}) {
    CAPTURE(type);
    const auto width = static_cast<std::size_t>(type[1] - '0');
    std::string little, big;
    for (std::size_t i = 0; i < 6 * width; ++i) little += static_cast<char>(i * 37 + 1);
    for (std::size_t i = 0; i < 6; ++i) {
      for (std::size_t j = width; j-- > 0;) big += little[i * width + j];
    }
    CHECK(parse(npy(literal("<" + type, "(2, 3)"), little)).bytes ==
          parse(npy(literal(">" + type, "(2, 3)"), big)).bytes);
  }
  CHECK(to_floats(parse(npy(literal(">f4", "(1,)"), std::string("\x3f\x80\0\0", 4)))) == std::vector<float>{1});
  CHECK(to_floats(parse(npy(literal("=f4", "(1,)"), raw(1.0f)))) == std::vector<float>{1});
  CHECK(parse(npy(literal(">i1", "(2,)"), "ab")).bytes.size() == 2);
}

TEST_CASE("npy N15: Fortran order is transposed, also big-endian and above rank 2") {
  std::string columns;
  for (const float value : {1.f, 4.f, 2.f, 5.f, 3.f, 6.f}) columns += raw(value);
  const Array matrix = parse(npy(literal("<f4", "(2, 3)", "True"), columns));
  CHECK(matrix.shape == Shape{2, 3});
  CHECK(to_floats(matrix) == std::vector<float>{1, 2, 3, 4, 5, 6});

  // Element (i, j, k, l) is written as its own index, first axis fastest.
  const Shape shape{3, 1, 4, 2};
  std::string data;
  for (int l = 0; l < 2; ++l) {
    for (int k = 0; k < 4; ++k) {
      for (int i = 0; i < 3; ++i)
        data += {static_cast<char>((i * 8 + k * 2 + l) / 256), static_cast<char>(i * 8 + k * 2 + l)};
    }
  }
  const auto values = to_int64s(parse(npy(literal(">i2", "(3, 1, 4, 2)", "True"), data)));
  for (std::size_t i = 0; i < values.size(); ++i) CHECK(values[i] == static_cast<std::int64_t>(i));

  CHECK(to_floats(parse(npy(literal("<f4", "(2,)", "True"), raw(1.f) + raw(2.f)))) == std::vector<float>{1, 2});
  CHECK(parse(npy(literal("<f4", "(0, 3)", "True"))).count() == 0);
  CHECK(to_floats(parse(npy(literal("<f4", "()", "True"), raw(9.f)))) == std::vector<float>{9});
}

TEST_CASE("npy N16: float16 keeps every one of its patterns") {
  std::string data;
  for (unsigned i = 0; i < 65536; ++i) data += raw(static_cast<std::uint16_t>(i));
  const Array array = parse(npy(literal("<f2", "(65536,)"), data));
  CHECK(io_test::to_string(array.bytes) == data);
  CHECK(io_test::to_string(serialize_npy(array)).ends_with(data));
}

TEST_CASE("npy N18: what is not a readable regular file is refused without waiting") {
  const TempDir dir;
  check_refused([&] { read_npy(dir / "absent.npy"); }, "file.missing", {"absent.npy", "no such file"});
  check_refused([&] { read_npy(dir / ""); }, "file.not-regular", {"a directory", "expected a regular file"});
  check_refused([] { read_npy("/dev/zero"); }, "file.not-regular", {"/dev/zero", "a device"});
  REQUIRE(::mkfifo((dir / "fifo").c_str(), 0600) == 0);
  check_refused([&] { read_npy(dir / "fifo"); }, "file.not-regular", {"a FIFO"});
  std::filesystem::create_symlink(dir / "nowhere", dir / "link.npy");
  check_refused([&] { read_npy(dir / "link.npy"); }, "file.link", {"link.npy", "symbolic link"});
  check_refused([] { read_npy(std::string("a\0b", 3)); }, "file.open", {"a\\x00b", "NUL"});
  check_refused([] { read_npy(std::string(5000, 'x')); }, "file.open", {"too long"});
  const std::string file = dir.file("f", "x");
  check_refused([&] { read_npy(file + "/x.npy"); }, "file.missing", {"x.npy"});
  if (::geteuid() != 0) {
    std::filesystem::permissions(file, std::filesystem::perms::none);
    check_refused([&] { read_npy(file); }, "file.open", {"cannot be opened"});
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string place = dir / "socket";
  REQUIRE(place.size() < sizeof address.sun_path);
  std::strcpy(address.sun_path, place.c_str());
  const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
    check_refused([&] { read_npy(place); }, "file.not-regular", {"socket", "expected a regular file"});
  }
  ::close(listener);
}

TEST_CASE("read_file: a file over the bound is refused before it is read") {
  const TempDir dir;
  const std::string path = dir.file("big", "");
  std::filesystem::resize_file(path, std::uintmax_t{1} << 40);  // sparse
  check_refused([&] { read_file(path); }, "file.too-large", {"big", "1099511627776", "at most"}, Exit::resources);
  CHECK(read_file(dir.file("small", "abc"), 3).size() == 3);
  check_refused([&] { read_file(dir / "small", 2); }, "file.too-large", {"3 bytes", "at most 2"}, Exit::resources);
}

TEST_CASE("npy: every dtype and odd shapes come back as they were written") {
  const TempDir dir;
  NpyOptions bf16;
  bf16.v2_is_bfloat16 = true;
  for (int d = 0; d <= static_cast<int>(Dtype::f64); ++d) {
    for (const Shape& shape : {Shape{}, Shape{0}, Shape{3}, Shape{2, 3}, Shape{4, 0, 2}, Shape{1, 2, 3, 1, 2}}) {
      Array array{static_cast<Dtype>(d), shape, {}};
      array.bytes.resize(static_cast<std::size_t>(array.count()) * dtype_size(array.dtype));
      for (std::size_t i = 0; i < array.bytes.size(); ++i) array.bytes[i] = static_cast<std::byte>(i * 73 + 5);
      write_npy(dir / "a.npy", array);
      const Array back = read_npy(dir / "a.npy", bf16);
      CHECK(back.dtype == array.dtype);
      CHECK(back.shape == array.shape);
      CHECK(back.bytes == array.bytes);
      CHECK(parse_npy_header(serialize_npy(array), "", "", bf16).data_offset % 64 == 0);
    }
  }
  CHECK(dir.entries() == 1);
}

TEST_CASE("npy: the writer's bytes are np.save's") {
  std::string expected = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }";
  expected += std::string(117 - expected.size(), ' ') + "\n";
  CHECK(io_test::to_string(serialize_npy(make_array({2, 1}, std::vector<float>{1, 2}))) ==
        npy(expected, raw(1.f) + raw(2.f)));
}

TEST_CASE("npy: versions 2 and 3, double quotes and any key order are read; every truncation is refused") {
  const std::string text = "{\"shape\": (2 , 1),\"descr\":\"<f4\" , \"fortran_order\":False}   \n";
  for (const int version : {1, 2, 3}) {
    const std::string file = npy(text, raw(1.f) + raw(2.f), version);
    CHECK(to_floats(parse(file)) == std::vector<float>{1, 2});
    for (std::size_t length = 0; length < file.size(); ++length) CHECK_THROWS_AS(parse(file.substr(0, length)), Error);
  }
}
