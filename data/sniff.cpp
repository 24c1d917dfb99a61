#include "data/sniff.h"

#include <algorithm>
#include <cstdio>
#include <string_view>

#include "core/error.h"
#include "data/bytes.h"

namespace triptych::data {
namespace {

bool begins_with_html(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return false;
  std::string start(text.substr(first, 14));
  for (char& c : start) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return start.starts_with("<!doctype html") || start.starts_with("<html");
}

bool is_plain_text(std::string_view text) {
  // A multi-byte character may be cut at the end of the window.
  for (int cut = 0; cut < 4 && !text.empty() && !is_utf8(text); ++cut) text.remove_suffix(1);
  return !text.empty() && is_utf8(text) && std::none_of(text.begin(), text.end(), [](char c) {
    return (c >= 0 && c < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7F;
  });
}

}  // namespace

Guess sniff(std::span<const std::byte> bytes) {
  using namespace std::string_view_literals;
  const std::string_view text = as_text(bytes.first(std::min<std::size_t>(bytes.size(), 512)));
  if (text.empty()) return {"an empty file", "check the step that wrote it"};
  if (text.starts_with("version https://git-lfs.github.com/spec/")) {
    return {"a Git LFS pointer", "the data itself was not downloaded: run `git lfs pull`"};
  }
  if (begins_with_html(text)) {
    return {"an HTML page", "the download returned an error or login page: fetch the file again"};
  }
  if (text.starts_with("\x93NUMPY"))
    return {"a NumPy array (.npy)", "a file of this kind must be named .npy; np.savez makes an .npz of it"};
  if (text.starts_with("PK\x03\x04"sv) || text.starts_with("PK\x05\x06"sv)) {
    return {"a ZIP archive (.npz?)", "a file of this kind must be named .npz"};
  }
  if (text.starts_with("\x89PNG\r\n")) return {"a PNG picture", "pass the features, not the pictures"};
  if (text.starts_with("\xFF\xD8\xFF")) return {"a JPEG picture", "pass the features, not the pictures"};
  if (text.starts_with("\x89HDF\r\n")) return {"an HDF5 file", "convert it: np.save(out, np.asarray(h5file[key]))"};
  if (text.starts_with("\x1F\x8B")) return {"gzip data", "unpack it with gunzip"};
  if (text.size() >= 2 && text[0] == '\x80' && text[1] >= 2 && text[1] <= 5) {
    return {"a Python pickle", "pickles are never loaded: save the array with np.save(out, array)"};
  }
  if (text.size() > 8 && text[8] == '{')
    return {"a safetensors file", "a file of this kind must be named .safetensors"};
  if (is_plain_text(text)) return {"text", "convert it: np.save(out, np.loadtxt(file, dtype=np.float32))"};
  std::string hex;
  for (std::size_t i = 0; i < std::min<std::size_t>(bytes.size(), 4); ++i) {
    char buffer[8];
    std::snprintf(buffer, sizeof buffer, "%s%02x", i == 0 ? "" : " ", std::to_integer<unsigned>(bytes[i]));
    hex += buffer;
  }
  return {"unknown data (first bytes " + hex + ")", "check that this is the right file"};
}

}  // namespace triptych::data
