// A strict look at the structure of a ZIP archive before libzip is let loose on it.
//
// libzip's own consistency check misses overlapping members and two members of one name, and says "inconsistent"
// without a place. Two readers that understand one archive differently are the root of most ZIP trouble, so this one
// refuses whatever is not plain, and read_npz refuses an archive that libzip reads differently.
//
// Source: PKWARE APPNOTE.TXT 6.3.10, sections 4.3.7 (local header), 4.3.12 (central directory), 4.3.14-16 (end
// records), 4.5.3 (Zip64 extra field).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace triptych::data {

struct ZipLimits {
  std::uint64_t max_members = 4096;
  // All members together may inflate to free_bytes + max_ratio times the archive's size. Real features stay under 10
  // times; deflate can reach 1032 times, which only constant arrays and bombs do.
  std::uint64_t max_ratio = 100;
  std::uint64_t free_bytes = std::uint64_t{32} << 20;
};

struct ZipEntry {
  std::string name;  // raw bytes: never use it as a path, escape it before printing
  std::uint16_t flags = 0;
  std::uint16_t method = 0;  // 0 stored, 8 deflate; others were refused
  std::uint32_t crc = 0;
  std::uint64_t packed_size = 0;
  std::uint64_t size = 0;
  std::uint64_t offset = 0;      // of the local header
  std::uint64_t data_begin = 0;  // of the packed data; it ends before the central directory
};

// The members in directory order. Allocates no more than the archive's size. Throws Error(input, ...):
//   "zip.end"        no end record where one belongs; an archive of several disks
//   "zip.directory"  central directory cut off or not where the end record says
//   "zip.members"    more than limits.max_members
//   "zip.zip64"      Zip64 record or extra field missing or cut off
//   "zip.local"      local header out of bounds or at odds with the directory
//   "zip.overlap", "zip.duplicate", "zip.name"
//   "zip.encrypted", "zip.method"
//   "zip.inflated-size"  sizes over the limits, or impossible for the method
std::vector<ZipEntry> read_zip_directory(std::span<const std::byte> bytes, const std::string& file,
                                         const ZipLimits& limits = {});

}  // namespace triptych::data
