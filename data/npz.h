// NumPy .npz archives: a ZIP file of .npy members, stored or deflated. libzip inflates and checks CRCs;
// zip_directory.h guards the structure. What is accepted and refused: docs/formats.md.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "data/array.h"
#include "data/npy_header.h"
#include "data/zip_directory.h"

namespace triptych::data {

using NamedArrays = std::vector<std::pair<std::string, Array>>;

// Every array with its name (the member's without ".npy") in directory order. Throws what read_file,
// read_zip_directory and parse_npy throw, and Error(input, ...):
//   "npz.member"   a member whose name does not end in .npy, or is just ".npy"
//   "npz.crc"      the data does not match its checksum; the member is named
//   "npz.inflate"  the packed data is damaged, or holds more or less than the size declared for it
//   "npz.zip"      libzip refuses the archive or understands it differently
// Memory: the file, plus the arrays, whose sum is bounded by limits before anything is inflated.
NamedArrays read_npz(const std::string& path, const NpyOptions& options = {}, const ZipLimits& limits = {});

// The same from memory. file only serves the messages.
NamedArrays parse_npz(std::span<const std::byte> bytes, const std::string& file, const NpyOptions& options = {},
                      const ZipLimits& limits = {});

// One array, by its name with or without ".npy". Other members are not inflated. Throws the above, and
// Error(input, "npz.absent") that lists what is there with shapes and suggests the nearest name.
Array read_npz_member(const std::string& path, const std::string& name, const NpyOptions& options = {},
                      const ZipLimits& limits = {});

// The archive as np.savez (or np.savez_compressed) would write it, byte for byte the same for the same members: all
// carry the date 1980-01-01. Throws Error(output, "npz.name") for an empty, repeated or NUL-holding name, or
// "npz.write".
std::vector<std::byte> serialize_npz(const NamedArrays& members, bool compress = false);

// Replaces path by the archive, or leaves it as it was. Throws what serialize_npz and write_file_atomically throw.
void write_npz(const std::string& path, const NamedArrays& members, bool compress = false);

}  // namespace triptych::data
