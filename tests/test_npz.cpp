// The .npz reader and writer and the ZIP structure check: rows Z1 to Z11 of the bad-input table.
#include "data/npz.h"

#include <chrono>
#include <functional>

#include "data/bytes.h"
#include "data/npy.h"
#include "tests/io_helpers.h"

namespace {

using namespace triptych;
using namespace triptych::data;
using io_test::check_refused;
using io_test::raw;
using io_test::TempDir;

std::uint32_t crc32(std::string_view text) {
  std::uint32_t crc = 0xFFFFFFFF;
  for (const char c : text) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320u : 0u);
  }
  return ~crc;
}

struct Member {
  std::string name;
  std::string data;  // unpacked
  std::uint16_t method = 0;
  std::uint16_t flags = 0;
  bool zip64_local = false, zip64_central = false;
};

// A ZIP archive with the places of its parts, so that a test can damage just one field.
struct Zip {
  std::string bytes;
  std::vector<std::size_t> local, central;
  std::size_t directory = 0, end = 0;

  template <class T>
  Zip& patch(std::size_t at, T value) {
    bytes.replace(at, sizeof value, raw(value));
    return *this;
  }
};

// Deflate data that packs nothing: one stored block (RFC 1951, section 3.2.4).
std::string stored_block(const std::string& data) {
  const auto length = static_cast<std::uint16_t>(data.size());
  return "\x01" + raw(length) + raw(static_cast<std::uint16_t>(~length)) + data;
}

Zip build(const std::vector<Member>& members, const std::string& comment = {}, bool zip64_end = false) {
  Zip zip;
  std::string directory;
  std::vector<std::size_t> places;
  const auto u16 = [](std::size_t v) { return raw(static_cast<std::uint16_t>(v)); };
  const auto u32 = [](std::size_t v) { return raw(static_cast<std::uint32_t>(v)); };
  const auto u64 = [](std::size_t v) { return raw(static_cast<std::uint64_t>(v)); };
  for (const auto& m : members) {
    const std::string packed = m.method == 8 ? stored_block(m.data) : m.data;
    const std::size_t offset = zip.bytes.size(), none = 0xFFFFFFFF;
    const bool deferred = (m.flags & 8) != 0;
    const auto sizes = [&](bool wide) {
      return wide ? u32(none) + u32(none) : u32(packed.size()) + u32(m.data.size());
    };
    const std::string start = u16(m.flags) + u16(m.method) + u16(0) + u16(0x21);
    const std::string local_extra = m.zip64_local ? u16(1) + u16(16) + u64(m.data.size()) + u64(packed.size()) : "";
    zip.local.push_back(offset);
    zip.bytes += "PK\x03\x04" + u16(m.zip64_local ? 45 : 20) + start +
                 (deferred ? std::string(12, '\0') : u32(crc32(m.data)) + sizes(m.zip64_local)) + u16(m.name.size()) +
                 u16(local_extra.size()) + m.name + local_extra + packed;
    if (deferred) zip.bytes += "PK\x07\x08" + u32(crc32(m.data)) + u32(packed.size()) + u32(m.data.size());
    const std::string extra =
        m.zip64_central ? u16(1) + u16(24) + u64(m.data.size()) + u64(packed.size()) + u64(offset) : "";
    places.push_back(directory.size());
    directory += "PK\x01\x02" + u16(45) + u16(m.zip64_local || m.zip64_central ? 45 : 20) + start + u32(crc32(m.data)) +
                 sizes(m.zip64_central) + u16(m.name.size()) + u16(extra.size()) + std::string(10, '\0') +
                 u32(m.zip64_central ? none : offset) + m.name + extra;
  }
  zip.directory = zip.bytes.size();
  for (const auto place : places) zip.central.push_back(zip.directory + place);
  zip.bytes += directory;
  if (zip64_end) {
    const std::size_t record = zip.bytes.size();
    zip.bytes += "PK\x06\x06" + u64(44) + u16(45) + u16(45) + u32(0) + u32(0) + u64(members.size()) +
                 u64(members.size()) + u64(directory.size()) + u64(zip.directory);
    zip.bytes += "PK\x06\x07" + u32(0) + u64(record) + u32(1);
  }
  zip.end = zip.bytes.size();
  const std::size_t count = zip64_end ? 0xFFFF : members.size();
  zip.bytes += "PK\x05\x06" + u16(0) + u16(0) + u16(count) + u16(count) +
               u32(zip64_end ? 0xFFFFFFFF : directory.size()) + u32(zip64_end ? 0xFFFFFFFF : zip.directory) +
               u16(comment.size()) + comment;
  return zip;
}

std::string npy(const std::vector<float>& values) {
  return io_test::to_string(serialize_npy(make_array({static_cast<std::int64_t>(values.size())}, values)));
}

Zip two() { return build({{"a.npy", npy({1, 2})}, {"b.npy", npy({3}), 8}}); }

Error refuse(const std::string& bytes, std::string_view code, std::initializer_list<std::string_view> parts) {
  const TempDir dir;
  const std::string path = dir.file("x.npz", bytes);
  const Error error = check_refused([&] { read_npz(path); }, code, parts);
  CHECK(std::string(error.what()).starts_with(path + ": "));
  CHECK(error.file == path);
  CHECK(dir.entries() == 1);
  return error;
}

NamedArrays load(const std::string& bytes) {
  const TempDir dir;
  return read_npz(dir.file("x.npz", bytes));
}

}  // namespace

TEST_CASE("npz: members come in order, stored, deflated or with a data descriptor") {
  const auto arrays = load(build({{"z.npy", npy({1, 2})}, {"a.npy", npy({3}), 8}, {"m.npy", npy({4}), 8, 8}}).bytes);
  REQUIRE(arrays.size() == 3);
  CHECK(arrays[0].first == "z");
  CHECK(to_floats(arrays[0].second) == std::vector<float>{1, 2});
  CHECK(arrays[1].first == "a");
  CHECK(to_floats(arrays[2].second) == std::vector<float>{4});
  CHECK(load(build({}).bytes).empty());
}

TEST_CASE("npz Z1: truncated archives and end records") {
  const Zip zip = two();
  refuse("", "zip.end", {"an empty file"});
  refuse("hello, world", "zip.end", {"looks like text", "expected a ZIP archive"});
  refuse(npy({1}), "zip.end", {"looks like a NumPy array"});
  refuse(zip.bytes.substr(0, zip.end), "zip.end", {"no end record"});
  refuse(zip.bytes + "x", "zip.end", {"no end record"});
  refuse("junk" + zip.bytes, "zip.directory", {"expected it to end at byte"});
  std::string cut = zip.bytes;
  cut.erase(zip.central[1] + 20, 10);
  refuse(cut, "zip.directory", {"central directory"});
  refuse(Zip(zip).patch<std::uint16_t>(zip.end + 8, 3).patch<std::uint16_t>(zip.end + 10, 3).bytes, "zip.directory",
         {"entry 2", "cut off"});
  refuse(Zip(zip).patch<std::uint16_t>(zip.end + 8, 1).patch<std::uint16_t>(zip.end + 10, 1).bytes, "zip.directory",
         {"bytes after its 1 entries"});
  refuse(Zip(zip).patch<std::uint16_t>(zip.end + 4, 1).bytes, "zip.end", {"several disks"});
  refuse(Zip(zip).patch<std::uint32_t>(zip.central[1], 0).bytes, "zip.directory", {"entry 1", "signature"});
  for (std::size_t length = 0; length < zip.bytes.size(); ++length) {
    CHECK_THROWS_AS(load(zip.bytes.substr(0, length)), Error);
  }
}

TEST_CASE("npz Z1: an end record behind a comment of 65,535 bytes loads") {
  CHECK(load(build({{"a.npy", npy({1})}}, std::string(65535, 'c')).bytes).size() == 1);
  // A comment with the signature of an end record in it is only a comment.
  CHECK(load(build({{"a.npy", npy({1})}}, "PK\x05\x06 and more text after it, long enough").bytes).size() == 1);
}

TEST_CASE("npz Z2: sizes that lie and bombs stop before or at the cap") {
  const Zip zip = build({{"a.npy", npy({1, 2}), 8}});
  const auto size = [&](std::uint32_t value) {
    return Zip(zip).patch(zip.central[0] + 24, value).patch(zip.local[0] + 22, value).bytes;
  };
  refuse(size(0xFFFFFFF0), "zip.inflated-size", {"member 'a.npy'", "4294967280 bytes", "over the allowed"});
  refuse(size(135), "npz.inflate", {"member 'a.npy'", "declared 135"});
  refuse(size(137), "npz.inflate", {"member 'a.npy'", "declared 137"});
  refuse(size(30'000'000), "npz.inflate", {"member 'a.npy'", "declared 30000000"});

  Zip terabyte = build({{"a.npy", npy({1, 2}), 8, 0, true, true}});
  terabyte.patch<std::uint64_t>(terabyte.central[0] + 46 + 5 + 4, std::uint64_t{1} << 40);
  terabyte.patch<std::uint64_t>(terabyte.local[0] + 30 + 5 + 4, std::uint64_t{1} << 40);
  refuse(terabyte.bytes, "zip.inflated-size", {"1099511627776 bytes"});

  Zip stored = build({{"a.npy", npy({1, 2})}});
  stored.patch<std::uint32_t>(stored.central[0] + 24, 5000).patch<std::uint32_t>(stored.local[0] + 22, 5000);
  refuse(stored.bytes, "zip.inflated-size", {"stored unpacked", "136 bytes", "5000"});

  const Array zeros = make_array({48 << 20}, std::vector<std::uint8_t>(48 << 20));
  const std::string bomb = io_test::to_string(serialize_npz({{"zeros", zeros}}, true));
  CHECK(bomb.size() < 60000);
  refuse(bomb, "zip.inflated-size", {"member 'zeros.npy'", "over the allowed"});
  const TempDir dir;
  ZipLimits generous;
  generous.max_ratio = 2000;
  CHECK(read_npz(dir.file("ok.npz", bomb), {}, generous)[0].second.bytes == zeros.bytes);
  // A small constant array packs as tightly and is no danger.
  CHECK(
      load(io_test::to_string(serialize_npz({{"z", make_array({1 << 20}, std::vector<std::uint8_t>(1 << 20))}}, true)))
          .size() == 1);
}

TEST_CASE("npz Z3: Zip64 sizes, offsets and end records load") {
  for (const std::uint16_t method : {std::uint16_t{0}, std::uint16_t{8}}) {
    CHECK(load(build({{"a.npy", npy({1}), method, 0, true, false}}).bytes).size() == 1);  // what np.savez writes
    const auto arrays =
        load(build({{"a.npy", npy({1}), method, 0, true, true}, {"b.npy", npy({2}), method, 0, true, true}}, "", true)
                 .bytes);
    REQUIRE(arrays.size() == 2);
    CHECK(to_floats(arrays[1].second) == std::vector<float>{2});
  }
}

TEST_CASE("npz Z4: Zip64 markers without their field, and extra fields past the end") {
  const Zip plain = two();
  refuse(Zip(plain).patch<std::uint32_t>(plain.central[0] + 24, 0xFFFFFFFF).bytes, "zip.zip64",
         {"member 'a.npy'", "Zip64 extra field that is not there"});
  refuse(Zip(plain).patch<std::uint32_t>(plain.end + 16, 0xFFFFFFFF).bytes, "zip.zip64", {"end record", "not there"});
  const Zip wide = build({{"a.npy", npy({1}), 0, 0, true, true}}, "", true);
  const std::size_t extra = wide.central[0] + 46 + 5;
  refuse(Zip(wide).patch<std::uint16_t>(extra + 2, 25).bytes, "zip.zip64", {"extra field runs past"});
  refuse(Zip(wide).patch<std::uint16_t>(extra + 2, 16).bytes, "zip.zip64", {"too short"});
  refuse(Zip(wide).patch<std::uint16_t>(extra, 2).bytes, "zip.zip64", {"not there"});
  refuse(Zip(wide).patch<std::uint16_t>(wide.local[0] + 30 + 5 + 2, 400).bytes, "zip.zip64", {"extra field runs past"});
  refuse(Zip(wide).patch<std::uint64_t>(wide.end - 12, 1 << 30).bytes, "zip.zip64", {"byte 1073741824"});
  refuse(Zip(wide).patch<std::uint64_t>(wide.end - 12, ~std::uint64_t{0}).bytes, "zip.zip64", {"Zip64 end record"});
}

TEST_CASE("npz Z5: a local header at odds with the directory") {
  const Zip zip = two();
  const std::size_t local = zip.local[0];
  refuse(Zip(zip).patch(local + 30, 'q').bytes, "zip.local", {"name is 'q.npy' in the local header", "'a.npy'"});
  refuse(Zip(zip).patch<std::uint16_t>(local + 8, 8).bytes, "zip.local", {"method is 8", "0 in the directory"});
  refuse(Zip(zip).patch<std::uint32_t>(local + 22, 5).bytes, "zip.local", {"'a.npy'", "unpacked size is 5"});
  refuse(Zip(zip).patch<std::uint32_t>(local + 18, 5).bytes, "zip.local", {"packed size is 5"});
  refuse(Zip(zip).patch<std::uint32_t>(local + 14, 5).bytes, "zip.local", {"CRC is 5"});
  refuse(Zip(zip).patch<std::uint16_t>(local + 6, 1).bytes, "zip.encrypted", {"local header"});
}

TEST_CASE("npz Z6: repeated names, overlapping members, offsets out of bounds") {
  refuse(build({{"a.npy", npy({1})}, {"a.npy", npy({2})}}).bytes, "zip.duplicate", {"'a.npy'", "two members"});
  const Zip zip = two();
  refuse(Zip(zip).patch<std::uint32_t>(zip.central[1] + 42, 0x7FFFFFFF).bytes, "zip.local",
         {"'b.npy'", "no local header"});
  refuse(Zip(zip).patch<std::uint32_t>(zip.central[1] + 42, 3).bytes, "zip.local", {"'b.npy'", "byte 3"});
  refuse(Zip(zip).patch<std::uint32_t>(zip.central[1] + 20, 5000).bytes, "zip.local", {"'b.npy'", "runs past"});
  refuse(Zip(zip).patch<std::uint32_t>(zip.end + 16, static_cast<std::uint32_t>(zip.directory + 4)).bytes,
         "zip.directory", {"expected it to end at byte"});
  // A member hidden inside the stored data of another one.
  const std::string inner = build({{"b.npy", npy({1})}}).bytes;
  Zip outer = build({{"a.npy", inner}, {"b.npy", npy({1})}});
  outer.patch(outer.central[1] + 42, static_cast<std::uint32_t>(outer.local[0] + 30 + 5));
  refuse(outer.bytes, "zip.overlap", {"'b.npy'", "overlapping member 'a.npy'"});
}

TEST_CASE("npz Z7: a wrong checksum names the member") {
  const Zip zip = two();
  std::string flipped = zip.bytes;
  flipped[zip.central[0] - 1] ^= 1;  // last data byte of b.npy
  refuse(flipped, "npz.crc", {"member 'b.npy'", "CRC"});
  flipped = zip.bytes;
  flipped[zip.local[0] + 30 + 5 + 130] ^= 1;
  refuse(flipped, "npz.crc", {"member 'a.npy'", "CRC"});
  const TempDir dir;
  CHECK(read_npz_member(dir.file("x.npz", flipped), "b").shape == Shape{1});
}

TEST_CASE("npz Z7: no flipped byte of an archive goes unnoticed or crashes") {
  const Zip zip = two();
  const auto good = load(zip.bytes);
  const TempDir dir;
  for (std::size_t at = 0; at < zip.bytes.size(); ++at) {
    std::string flipped = zip.bytes;
    flipped[at] ^= 0x11;
    try {
      // Dates, versions and attributes carry no data; the arrays must be the same then.
      const auto arrays = read_npz(dir.file("x.npz", flipped));
      REQUIRE(arrays.size() == 2);
      for (std::size_t i = 0; i < 2; ++i) {
        CHECK(arrays[i].first == good[i].first);
        CHECK(arrays[i].second.bytes == good[i].second.bytes);
      }
    } catch (const Error& error) {
      CHECK(error.exit == Exit::input);
    }
  }
}

TEST_CASE("npz Z8: other methods and encryption") {
  refuse(build({{"a.npy", npy({1}), 12}}).bytes, "zip.method", {"'a.npy'", "method 12", "expected 0 (stored) or 8"});
  refuse(build({{"a.npy", npy({1}), 0, 1}}).bytes, "zip.encrypted", {"'a.npy'", "encrypted"});
  Zip garbage = build({{"a.npy", npy({1}), 8}});
  garbage.bytes[garbage.local[0] + 30 + 5] = '\x07';  // reserved block type
  refuse(garbage.bytes, "npz.inflate", {"'a.npy'", "cannot be unpacked"});
}

TEST_CASE("npz Z9: names are text, escaped in messages and never paths") {
  const TempDir dir;
  const std::string path = dir.file(
      "x.npz", build({{"../../x.npy", npy({1})}, {"/etc/y.npy", npy({2})}, {"n\n\x1b[31m.npy", npy({3})}}).bytes);
  const auto arrays = read_npz(path);
  CHECK(arrays[0].first == "../../x");
  CHECK(arrays[2].first == "n\n\x1b[31m");
  check_refused([&] { read_npz_member(path, "zzz\n"); }, "npz.absent",
                {"no array 'zzz\\n'", "../../x (1,) float32", "/etc/y", "n\\n\\x1b[31m"});
  CHECK(dir.entries() == 1);
  refuse(build({{std::string("a\0.npy", 6), npy({1})}}).bytes, "zip.name", {"'a\\x00.npy'", "NUL"});
  refuse(build({{"notes.txt", "hello"}}).bytes, "npz.member", {"'notes.txt'", "ending in .npy"});
  refuse(build({{".npy", npy({1})}}).bytes, "npz.member", {"'.npy'"});
  refuse(build({{"a.npy", "hello"}}).bytes, "npy.magic", {"member 'a.npy'", "looks like text"});
}

TEST_CASE("npz Z10: an absent array lists what is there and suggests the nearest") {
  const TempDir dir;
  const std::string path =
      dir.file("x.npz", build({{"images.npy", npy({1, 2})}, {"text.npy", npy({3}), 8}, {"broken.npy", "oops"}}).bytes);
  const Error error =
      check_refused([&] { read_npz_member(path, "image"); }, "npz.absent",
                    {path, "no array 'image'", "images (2,) float32", "text (1,) float32", "broken (not readable)"});
  CHECK(error.hint == "did you mean 'images'?");
  check_refused([&] { read_npz_member(path, "audio"); }, "npz.absent", {"audio"});
  CHECK(to_floats(read_npz_member(path, "images")) == std::vector<float>{1, 2});
  CHECK(to_floats(read_npz_member(path, "images.npy")) == std::vector<float>{1, 2});
  check_refused([&] { read_npz_member(dir.file("e.npz", build({}).bytes), "a"); }, "npz.absent", {"one of: none"});
}

TEST_CASE("npz Z11: 100,000 empty members are refused in bounded time") {
  std::vector<Member> many;
  for (int i = 0; i < 100000; ++i) many.push_back({std::to_string(i), ""});
  // More than 65,535 members need the Zip64 end record.
  const std::string bytes = build(many, "", true).bytes;
  const auto start = std::chrono::steady_clock::now();
  refuse(bytes, "zip.members", {"100000 members", "at most 4096"});
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(1));
  many.resize(5000);
  refuse(build(many).bytes, "zip.members", {"5000 members"});
}

TEST_CASE("npz: what is written is read back, stored and deflated, the same bytes each time") {
  const TempDir dir;
  const NamedArrays members{{"x", make_array({2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6})},
                            {"empty", make_array({0, 7}, std::vector<double>{})},
                            {"\u00fcmlaut/deep", make_array({}, std::vector<std::int64_t>{-5})},
                            {"ones", make_array({100000}, std::vector<std::uint8_t>(100000, 1))}};
  for (const bool compress : {false, true}) {
    write_npz(dir / "a.npz", members, compress);
    const auto back = read_npz(dir / "a.npz");
    REQUIRE(back.size() == members.size());
    for (std::size_t i = 0; i < back.size(); ++i) {
      CHECK(back[i].first == members[i].first);
      CHECK(back[i].second.dtype == members[i].second.dtype);
      CHECK(back[i].second.shape == members[i].second.shape);
      CHECK(back[i].second.bytes == members[i].second.bytes);
    }
    CHECK(io_test::slurp(dir / "a.npz") == io_test::to_string(serialize_npz(members, compress)));
    CHECK((std::filesystem::file_size(dir / "a.npz") < 50000) == compress);
  }
  write_npz(dir / "none.npz", {});
  CHECK(read_npz(dir / "none.npz").empty());
  CHECK(dir.entries() == 2);
}

TEST_CASE("npz: names that cannot be written are refused and nothing is created") {
  const TempDir dir;
  const Array one = make_array({1}, std::vector<float>{1});
  const auto refuse_names = [&](const NamedArrays& members) {
    check_refused([&] { write_npz(dir / "a.npz", members); }, "npz.name", {"cannot name an array"}, Exit::output);
  };
  refuse_names({{"", one}});
  refuse_names({{"a", one}, {"a", one}});
  refuse_names({{std::string("a\0b", 3), one}});
  CHECK(dir.entries() == 0);
}
