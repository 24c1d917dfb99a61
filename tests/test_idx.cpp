// IDX files: what is read, and every way a file can be wrong.
#include <doctest/doctest.h>
#include <zlib.h>

#include "app/split_source.h"
#include "data/idx.h"
#include "tests/io_helpers.h"

using namespace triptych;
using io_test::check_refused;
using io_test::TempDir;
using namespace std::string_literals;

namespace {

std::string big_endian(std::uint32_t n) {
  return {static_cast<char>(n >> 24), static_cast<char>(n >> 16), static_cast<char>(n >> 8), static_cast<char>(n)};
}

std::string idx(const std::vector<std::uint32_t>& sizes, const std::string& data, char type = 0x08) {
  std::string out{0, 0, type, static_cast<char>(sizes.size())};
  for (const std::uint32_t s : sizes) out += big_endian(s);
  return out + data;
}

std::string gzip(const std::string& content) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(content.size() + 256, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string counting(std::size_t n) {
  std::string s;
  for (std::size_t i = 0; i < n; ++i) s += static_cast<char>(i);
  return s;
}

app::DataConfig split_of(const std::string& file) {
  app::DataConfig config;
  config.source = "split:" + file;
  return config;
}

}  // namespace

TEST_CASE("idx: plain and compressed files give the same array") {
  const TempDir dir;
  const std::string content = idx({2, 3, 4}, counting(24));
  const std::string in_streams = gzip(content.substr(0, 10)) + gzip("") + gzip(content.substr(10));
  for (const std::string& bytes : {content, gzip(content), in_streams}) {
    const data::IdxArray a = data::read_idx(dir.file("images", bytes));
    CHECK(a.shape == data::Shape{2, 3, 4});
    REQUIRE(a.values.size() == 24);
    for (std::size_t i = 0; i < 24; ++i) CHECK(a.values[i] == i);
  }
  CHECK(data::read_idx(dir.file("labels", idx({3}, "abc"))).shape == data::Shape{3});
}

TEST_CASE("idx: damaged files are refused with place, found and expected") {
  const TempDir dir;
  const auto refuse = [&](const std::string& bytes, std::string_view code,
                          std::initializer_list<std::string_view> parts) {
    CAPTURE(code);
    const std::string file = dir.file("bad", bytes);
    check_refused([&] { data::read_idx(file); }, code, parts, Exit::input, bytes.size());
  };
  const std::string good = idx({2, 3, 4}, counting(24)), packed = gzip(good);
  refuse("", "idx.magic", {"an empty file", "IDX"});
  refuse("\0\0\x08"s, "idx.magic", {"expected an IDX file"});
  refuse("<html>login</html>", "idx.magic", {"an HTML page"});
  refuse("\x89PNG\r\n\x1a\n....", "idx.magic", {"a PNG picture"});
  refuse(idx({1}, "a", 0x0A), "idx.magic", {"bytes 0 to 3"});
  refuse(idx({1}, "aaaa", 0x0D), "idx.type", {"byte 2", "32-bit floats", "unsigned bytes"});
  refuse(idx({}, ""), "idx.size", {"0 axes", "1 to 4"});
  refuse(idx({1, 1, 1, 1, 1}, "a"), "idx.size", {"5 axes"});
  refuse(idx({2, 0, 4}, ""), "idx.size", {"size of axis 1", "expected at least 1"});
  refuse(good.substr(0, 10), "idx.header-short", {"size of axis 1", "3 sizes"});
  refuse(good.substr(0, 39), "idx.data-short", {"23 bytes", "expected 24", "(2, 3, 4)"});
  refuse(good + "x", "idx.trailing", {"more than the 24 bytes"});
  refuse(idx({0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF}, "abc"), "idx.data-short", {"at most 3 bytes"});
  refuse(idx({60000, 28, 28}, "abc"), "idx.data-short", {"expected 47040000"});
  refuse(gzip("plain text"), "idx.magic", {"other compressed data"});
  refuse(gzip(good.substr(0, 30)), "idx.data-short", {"14 bytes found", "expected 24"});
  refuse(gzip(good + "xy"), "idx.trailing", {"more than the 24 bytes"});
  refuse(gzip(idx({60000, 28, 28}, "abc")), "idx.data-short", {"expected 47040000"});
  refuse(packed.substr(0, packed.size() - 9), "idx.gzip", {"ends early"});
  refuse(packed.substr(0, 4), "idx.gzip", {"ends early"});
  refuse(packed + "more", "idx.trailing", {"after the end of the compressed stream"});
  std::string flipped = packed;
  flipped[flipped.size() - 6] ^= 1;  // of the checksum
  refuse(flipped, "idx.gzip", {"check"});
  check_refused([&] { data::read_idx(dir / "none"); }, "file.missing", {"no such file"});
}

TEST_CASE("split: left and right halves of every picture, in [0, 1]") {
  const TempDir dir;
  std::string pixels;
  for (int picture = 0; picture < 10; ++picture) pixels += "\x00\x33\x66\xff\xff\x99\x33\x00"s;
  const app::SplitSource source(split_of(dir.file("images", gzip(idx({10, 2, 4}, pixels)))));
  CHECK(source.train_items() == 8);
  CHECK(source.test_items() == 2);
  const auto specs = source.modalities();
  CHECK(specs[0].name == "left");
  CHECK(specs[1].name == "right");
  CHECK(specs[0].width == 4);
  const auto blocks = source.blocks(true);
  const auto close = [](const Tensor& t, std::vector<double> expected) {
    for (std::size_t i = 0; i < expected.size(); ++i)
      CHECK(t.at(static_cast<std::int64_t>(i)) == doctest::Approx(expected[i]));
  };
  close(blocks[0].values.values, {0, 0.2, 1, 0.6});
  close(blocks[1].values.values, {0.4, 1, 0.2, 0});
  CHECK(blocks[0].item == blocks[1].item);
  CHECK(source.description().find("10 (8 for training, 2 held out)") != std::string::npos);
}

TEST_CASE("split: files of labels, odd widths and too few pictures are refused") {
  const TempDir dir;
  const auto refuse = [&](const std::string& bytes, std::string_view code, std::string_view part) {
    const app::DataConfig config = split_of(dir.file("bad", bytes));
    check_refused([&] { app::SplitSource{config}; }, code, {part});
  };
  refuse(idx({10}, counting(10)), "idx.pictures", "expected (pictures, height, width)");
  refuse(idx({5, 2, 3}, counting(30)), "idx.pictures", "of even width");
  refuse(idx({4, 2, 2}, counting(16)), "split.few", "4 pictures, expected at least 5");
}
