#include "data/idx.h"

#include <zlib.h>

#include <algorithm>
#include <array>

#include "core/error.h"
#include "data/read_file.h"
#include "data/sniff.h"

namespace triptych::data {
namespace {

using Bytes = std::span<const std::byte>;

bool is_gzip(Bytes b) { return b.size() >= 2 && b[0] == std::byte{0x1F} && b[1] == std::byte{0x8B}; }

// The content of a file, front to back.
class Reader {
 public:
  virtual ~Reader() = default;
  // Fills `to` and returns how many bytes there were.
  virtual std::size_t read(std::span<std::uint8_t> to) = 0;
  // At most this many bytes can still come.
  virtual std::uint64_t most() const = 0;
};

class Plain : public Reader {
 public:
  explicit Plain(Bytes bytes) : rest_(bytes) {}
  std::size_t read(std::span<std::uint8_t> to) override {
    const std::size_t n = std::min(to.size(), rest_.size());
    std::transform(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(n), to.begin(),
                   [](std::byte b) { return std::to_integer<std::uint8_t>(b); });
    rest_ = rest_.subspan(n);
    return n;
  }
  std::uint64_t most() const override { return rest_.size(); }

 private:
  Bytes rest_;
};

class Gzip : public Reader {
 public:
  Gzip(Bytes bytes, const std::string& file) : bytes_(bytes), file_(file) {
    constexpr int gzip_header = 16;
    if (inflateInit2(&stream_, MAX_WBITS + gzip_header) != Z_OK)
      throw Error(Exit::resources, "idx.gzip", "no memory to decompress with");
  }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;
  ~Gzip() override { inflateEnd(&stream_); }

  std::size_t read(std::span<std::uint8_t> to) override {
    constexpr std::size_t piece = std::size_t{1} << 30;  // zlib counts in 32 bits
    std::size_t done = 0;
    while (done < to.size() && !ended_) {
      if (stream_.avail_in == 0) {
        const std::size_t n = std::min(bytes_.size() - at_, piece);
        if (n == 0) damaged("the compressed data ends early");
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes_.data() + at_));
        stream_.avail_in = static_cast<uInt>(n);
        at_ += n;
      }
      const std::size_t room = std::min(to.size() - done, piece);
      stream_.next_out = to.data() + done;
      stream_.avail_out = static_cast<uInt>(room);
      const int status = inflate(&stream_, Z_NO_FLUSH);
      if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
        damaged(stream_.msg != nullptr ? stream_.msg : "cannot be decompressed");
      done += room - stream_.avail_out;
      if (status == Z_STREAM_END) next_member();
    }
    return done;
  }
  std::uint64_t most() const override {
    constexpr std::uint64_t best_ratio = 1032;  // of DEFLATE
    return best_ratio * bytes_.size();
  }

 private:
  // A file may be several streams, one after the other (RFC 1952, section 2.2).
  void next_member() {
    const std::size_t at = at_ - stream_.avail_in;
    ended_ = at == bytes_.size();
    if (ended_) return;
    if (!is_gzip(bytes_.subspan(at)))
      reject_input("idx.trailing", file_, "byte " + std::to_string(at),
                   "data after the end of the compressed stream, expected none", "download the file again");
    inflateReset(&stream_);
  }
  [[noreturn]] void damaged(const std::string& problem) const {
    reject_input("idx.gzip", file_, "byte " + std::to_string(at_ - stream_.avail_in), problem,
                 "the file was cut off or damaged: download it again");
  }

  Bytes bytes_;
  const std::string& file_;
  std::size_t at_ = 0;
  bool ended_ = false;
  z_stream stream_{};
};

const char* type_name(std::uint8_t type) {
  switch (type) {
    case 0x09: return "signed bytes";
    case 0x0B: return "16-bit integers";
    case 0x0C: return "32-bit integers";
    case 0x0D: return "32-bit floats";
    case 0x0E: return "64-bit floats";
    default: return nullptr;
  }
}

// `otherwise`: what the file is when it is not IDX.
IdxArray parse(Reader& reader, const Guess& otherwise, const std::string& file) {
  const auto wrong_kind = [&] {
    reject_input("idx.magic", file, "bytes 0 to 3",
                 "looks like " + otherwise.looks_like + ", expected an IDX file (00 00 08 rank)", otherwise.hint);
  };
  std::array<std::uint8_t, 4> magic{};
  if (reader.read(magic) < magic.size() || magic[0] != 0 || magic[1] != 0) wrong_kind();
  if (magic[2] != 0x08) {
    const char* name = type_name(magic[2]);
    if (name == nullptr) wrong_kind();
    reject_input("idx.type", file, "byte 2", std::string("holds ") + name + ", expected unsigned bytes (type 08)");
  }
  constexpr std::uint8_t most_axes = 4;
  const std::uint8_t rank = magic[3];
  if (rank < 1 || rank > most_axes)
    reject_input("idx.size", file, "byte 3", std::to_string(rank) + " axes, expected 1 to 4");

  IdxArray array;
  std::uint64_t expected = 1;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    const std::string place = "size of axis " + std::to_string(axis);
    std::array<std::uint8_t, 4> b{};
    if (reader.read(b) < b.size())
      reject_input("idx.header-short", file, place, "the file ends here, expected " + std::to_string(rank) + " sizes",
                   "the file was cut off: download it again");
    const std::uint32_t size = std::uint32_t{b[0]} << 24 | std::uint32_t{b[1]} << 16 | std::uint32_t{b[2]} << 8 | b[3];
    if (size == 0) reject_input("idx.size", file, place, "0, expected at least 1");
    array.shape.push_back(size);
    if (__builtin_mul_overflow(expected, std::uint64_t{size}, &expected)) expected = UINT64_MAX;
  }
  const auto too_short = [&](const std::string& found) {
    reject_input("idx.data-short", file, "data",
                 found + ", expected " + std::to_string(expected) + " for shape " + shape_text(array.shape),
                 "the file was cut off: download it again");
  };
  if (expected > reader.most()) too_short("at most " + std::to_string(reader.most()) + " bytes can follow");
  // Memory follows what has really come: a few compressed bytes may claim a thousand times as many.
  for (std::size_t found = 0; found < expected;) {
    const std::size_t step = std::min<std::size_t>(expected - found, std::max<std::size_t>(found, 1 << 20));
    array.values.resize(found + step);
    const std::size_t got = reader.read(std::span(array.values).subspan(found));
    found += got;
    if (got < step) too_short(std::to_string(found) + " bytes found");
  }
  std::array<std::uint8_t, 1> more{};
  if (reader.read(more) > 0)
    reject_input("idx.trailing", file, "data",
                 "more than the " + std::to_string(expected) + " bytes of shape " + shape_text(array.shape) +
                     ", expected the end of the file");
  return array;
}

}  // namespace

IdxArray read_idx(const std::string& path) {
  const std::vector<std::byte> bytes = read_file(path);
  return parse_idx(bytes, path);
}

IdxArray parse_idx(Bytes bytes, const std::string& file) {
  if (!is_gzip(bytes)) {
    Plain reader(bytes);
    return parse(reader, sniff(bytes), file);
  }
  Gzip reader(bytes, file);
  return parse(reader, {"other compressed data", ""}, file);
}

Halves split_pictures(const IdxArray& pictures, const std::string& file) {
  if (pictures.shape.size() != 3 || pictures.shape[2] % 2 != 0)
    reject_input("idx.pictures", file, "shape",
                 shape_text(pictures.shape) + ", expected (pictures, height, width) of even width",
                 "name the file of images, not that of labels");
  const std::int64_t n = pictures.shape[0], rows = n * pictures.shape[1], half = pictures.shape[2] / 2;
  Halves h{Tensor({n, pictures.shape[1] * half}, DType::f32), Tensor({n, pictures.shape[1] * half}, DType::f32)};
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t j = 0; j < half; ++j) {
      const std::uint8_t* row = pictures.values.data() + r * 2 * half;
      h.left.data<float>()[r * half + j] = static_cast<float>(row[j]) / 255;
      h.right.data<float>()[r * half + j] = static_cast<float>(row[half + j]) / 255;
    }
  return h;
}

}  // namespace triptych::data
