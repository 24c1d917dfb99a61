// Pictures as files and inside a page.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace triptych::app {

std::string base64(std::span<const std::uint8_t> bytes);

// An RGB picture (height, width, 3) as a PNG file.
std::vector<std::uint8_t> png(const std::uint8_t* rgb, std::uint32_t width, std::uint32_t height);
// The same as "data:image/png;base64,...".
std::string png_uri(const std::uint8_t* rgb, std::uint32_t width, std::uint32_t height);

}  // namespace triptych::app
