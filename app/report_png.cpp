// PNG (ISO/IEC 15948): signature, then chunks of length, type, data and CRC-32, big-endian. The data of IDAT are a
// zlib stream of rows, each led by a filter byte.
#include "app/report_png.h"

#include <zlib.h>

#include <new>
#include <string_view>
#include <vector>

namespace triptych::app {
namespace {

using Bytes = std::vector<std::uint8_t>;

void put32(Bytes& to, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) to.push_back(static_cast<std::uint8_t>(value >> shift));
}

void put_chunk(Bytes& to, std::string_view type, const Bytes& data) {
  put32(to, static_cast<std::uint32_t>(data.size()));
  const std::size_t from = to.size();
  to.insert(to.end(), type.begin(), type.end());
  to.insert(to.end(), data.begin(), data.end());
  put32(to, static_cast<std::uint32_t>(crc32(0, to.data() + from, static_cast<uInt>(to.size() - from))));
}

}  // namespace

std::string base64(std::span<const std::uint8_t> bytes) {
  static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = bytes.size() - i;
    const std::uint32_t three = static_cast<std::uint32_t>(bytes[i]) << 16 |
                                (left > 1 ? static_cast<std::uint32_t>(bytes[i + 1]) << 8 : 0u) |
                                (left > 2 ? static_cast<std::uint32_t>(bytes[i + 2]) : 0u);
    out += digits[three >> 18];
    out += digits[three >> 12 & 63];
    out += left > 1 ? digits[three >> 6 & 63] : '=';
    out += left > 2 ? digits[three & 63] : '=';
  }
  return out;
}

std::vector<std::uint8_t> png(const std::uint8_t* rgb, std::uint32_t width, std::uint32_t height) {
  Bytes rows;
  for (std::uint32_t y = 0; y < height; ++y) {
    rows.push_back(0);  // no filter
    rows.insert(rows.end(), rgb + std::size_t{y} * width * 3, rgb + std::size_t{y + 1} * width * 3);
  }
  uLongf size = compressBound(rows.size());
  Bytes packed(size);
  if (compress2(packed.data(), &size, rows.data(), rows.size(), Z_BEST_COMPRESSION) != Z_OK) throw std::bad_alloc();
  packed.resize(size);

  Bytes header;
  put32(header, width);
  put32(header, height);
  header.insert(header.end(), {8, 2, 0, 0, 0});  // 8 bits, RGB
  Bytes file = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  put_chunk(file, "IHDR", header);
  put_chunk(file, "IDAT", packed);
  put_chunk(file, "IEND", {});
  return file;
}

std::string png_uri(const std::uint8_t* rgb, std::uint32_t width, std::uint32_t height) {
  return "data:image/png;base64," + base64(png(rgb, width, height));
}

}  // namespace triptych::app
