// PNG (ISO/IEC 15948): signature, then chunks of length, type, data and CRC-32, big-endian. The data of IDAT are a
// zlib stream (RFC 1950) of rows, each led by a filter byte; here one stored DEFLATE block (RFC 1951, 3.2.4).
#include "app/report_png.h"

#include <string_view>
#include <vector>

namespace triptych::app {
namespace {

using Bytes = std::vector<std::uint8_t>;

void put32(Bytes& to, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) to.push_back(static_cast<std::uint8_t>(value >> shift));
}

std::uint32_t crc32(std::span<const std::uint8_t> bytes) {
  std::uint32_t crc = ~0u;
  for (const std::uint8_t byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
  }
  return ~crc;
}

std::uint32_t adler32(std::span<const std::uint8_t> bytes) {
  std::uint32_t a = 1, b = 0;
  for (const std::uint8_t byte : bytes) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return b << 16 | a;
}

void put_chunk(Bytes& to, std::string_view type, const Bytes& data) {
  put32(to, static_cast<std::uint32_t>(data.size()));
  const std::size_t from = to.size();
  to.insert(to.end(), type.begin(), type.end());
  to.insert(to.end(), data.begin(), data.end());
  put32(to, crc32(std::span(to).subspan(from)));
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

std::string png_uri(const std::uint8_t* rgb, std::uint32_t width, std::uint32_t height) {
  Bytes rows;
  for (std::uint32_t y = 0; y < height; ++y) {
    rows.push_back(0);  // no filter
    rows.insert(rows.end(), rgb + y * width * 3, rgb + (y + 1) * width * 3);
  }
  const auto size = static_cast<std::uint32_t>(rows.size());
  Bytes zlib = {0x78, 0x01, 1};  // header, then the last block, stored
  for (const std::uint32_t n : {size, ~size}) {
    zlib.push_back(static_cast<std::uint8_t>(n));
    zlib.push_back(static_cast<std::uint8_t>(n >> 8));
  }
  zlib.insert(zlib.end(), rows.begin(), rows.end());
  put32(zlib, adler32(rows));

  Bytes header;
  put32(header, width);
  put32(header, height);
  header.insert(header.end(), {8, 2, 0, 0, 0});  // 8 bits, RGB
  Bytes png = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  put_chunk(png, "IHDR", header);
  put_chunk(png, "IDAT", zlib);
  put_chunk(png, "IEND", {});
  return "data:image/png;base64," + base64(png);
}

}  // namespace triptych::app
