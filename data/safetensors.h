// Safetensors files: an 8-byte little-endian header length, a JSON header, then the tensors' bytes without gaps.
// What is accepted and refused: docs/formats.md.
//
// Source: the format description in the README of huggingface/safetensors.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "data/array.h"

namespace triptych::data {

struct Safetensors {
  std::map<std::string, std::string> metadata;         // the header's "__metadata__"
  std::vector<std::pair<std::string, Array>> tensors;  // in the order of their bytes in the file
};

// Names are any text: escape them before printing. NaN and Inf are not looked for: see require_finite. The file is
// read, not mapped, so it may change under us without a SIGBUS. Needs twice the file's size in memory. Throws what
// read_file throws, and Error(input, ...):
//   "safetensors.length"     header length missing, too small, over 100,000,000 or past the file's end
//   "safetensors.json"       header not one JSON object of the known form, nested too deep, or with too many tensors
//   "safetensors.duplicate"  a tensor, field or metadata key that appears twice
//   "safetensors.field"      dtype, shape or data_offsets missing, of the wrong kind, or out of range
//   "safetensors.overlap", "safetensors.hole", "safetensors.start", "safetensors.end", "safetensors.trailing"
//                            the tensors do not fill the buffer exactly
//   "safetensors.size"       shape and dtype ask for other than the bytes the offsets give
//   "safetensors.dtype"      unknown dtype, or one of the 4-, 6- and 8-bit floats and complex ones; comes after all
//                            other checks, so it means that the file is otherwise sound
Safetensors read_safetensors(const std::string& path);

// The same from memory; file only serves the messages.
Safetensors parse_safetensors(std::span<const std::byte> bytes, const std::string& file);

// Tensors are laid out by falling element size, in the given order within one size, so each is aligned to its
// elements. Throws Error(output, "safetensors.name") for a name or metadata text that is not UTF-8, holds NUL or
// appears twice, and for a tensor called "__metadata__".
std::vector<std::byte> serialize_safetensors(const Safetensors& content);

// Replaces path by the file, or leaves it as it was. Throws what the two it is made of throw.
void write_safetensors(const std::string& path, const Safetensors& content);

}  // namespace triptych::data
