// Small pictures inside a page.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace triptych::app {

std::string base64(std::span<const std::uint8_t> bytes);

// An RGB picture (height, width, 3) as "data:image/png;base64,...": a PNG whose data are stored, not compressed.
// height * (3 width + 1) <= 65535, which is one stored block.
std::string png_uri(const std::uint8_t* rgb, std::uint32_t width, std::uint32_t height);

}  // namespace triptych::app
