#include "data/zip_directory.h"

#include <algorithm>
#include <unordered_set>

#include "core/error.h"
#include "data/bytes.h"
#include "data/sniff.h"

namespace triptych::data {
namespace {

constexpr std::size_t end_size = 22, end64_size = 56, locator_size = 20, central_size = 46, local_size = 30;
constexpr std::uint32_t none32 = 0xFFFFFFFF;
constexpr std::uint16_t none16 = 0xFFFF;
constexpr const char* damaged = "the archive is damaged: copy or export it again";

struct Directory {
  std::uint64_t members = 0, offset = 0, size = 0;
};

class Reader {
 public:
  Reader(std::span<const std::byte> bytes, const std::string& file, const ZipLimits& limits)
      : bytes_(bytes), file_(file), limits_(limits) {}

  std::vector<ZipEntry> read() {
    const Directory directory = find_directory();
    if (directory.members > limits_.max_members) {
      fail("zip.members", "",
           std::to_string(directory.members) + " members, expected at most " + std::to_string(limits_.max_members),
           "split the archive");
    }
    std::vector<ZipEntry> entries;
    std::uint64_t at = directory.offset;
    const std::uint64_t end = directory.offset + directory.size;
    for (std::uint64_t i = 0; i < directory.members; ++i) entries.push_back(central_entry(at, end, i));
    if (at != end) {
      fail("zip.directory", "",
           "the central directory has " + std::to_string(end - at) + " bytes after its " +
               std::to_string(directory.members) + " entries, expected none");
    }
    check_names(entries);
    check_sizes(entries);
    check_places(entries, directory.offset);
    return entries;
  }

 private:
  Directory find_directory() {
    // The end record is the last thing in the file but for its own comment of up to 65,535 bytes.
    const std::size_t reach = end_size + 0xFFFF;
    const std::size_t lowest = bytes_.size() > reach ? bytes_.size() - reach : 0;
    for (std::size_t at = bytes_.size() < end_size ? 0 : bytes_.size() - end_size + 1; at-- > lowest;) {
      if (u32(at) != 0x06054b50 || at + end_size + u16(at + 20) != bytes_.size()) continue;
      return end_record(at);
    }
    if (bytes_.size() < 4 || u32(0) != 0x04034b50) {
      Guess guess = sniff(bytes_);
      fail("zip.end", "", "looks like " + guess.looks_like + ", expected a ZIP archive (.npz)", guess.hint);
    }
    fail("zip.end", "", "no end record found, expected one at the end of a ZIP archive (.npz)",
         "the file was cut off: copy or export it again");
  }

  Directory end_record(std::size_t at) {
    Directory found{u16(at + 10), u32(at + 16), u32(at + 12)};
    std::uint64_t limit = at;
    const bool marked = found.members == none16 || found.offset == none32 || found.size == none32;
    const bool located = at >= locator_size && u32(at - locator_size) == 0x07064b50;
    if (located) {
      const std::uint64_t place = u64(at - locator_size + 8);
      if (at < locator_size + end64_size || place > at - locator_size - end64_size || u32(place) != 0x06064b50) {
        fail("zip.zip64", "", "the Zip64 end record is not at byte " + std::to_string(place) + " where it should be");
      }
      found = {u64(place + 32), u64(place + 48), u64(place + 40)};
      limit = place;
      if (u32(place + 16) != 0 || u32(place + 20) != 0 || u64(place + 24) != found.members) {
        fail("zip.end", "", "the archive spans several disks, expected one file", "join its parts");
      }
    } else if (marked) {
      // 65,535 members exactly would be legal without Zip64, but is over any sensible member limit anyway.
      fail("zip.zip64", "", "the end record points to a Zip64 record that is not there");
    } else if (u16(at + 4) != 0 || u16(at + 6) != 0 || u16(at + 8) != found.members) {
      fail("zip.end", "", "the archive spans several disks, expected one file", "join its parts");
    }
    // Adjacent, so nothing can hide between the two, and offsets count from the start of the file.
    if (found.offset > limit || found.size != limit - found.offset) {
      fail("zip.directory", "",
           "the central directory is said to be " + std::to_string(found.size) + " bytes at byte " +
               std::to_string(found.offset) + ", expected it to end at byte " + std::to_string(limit));
    }
    return found;
  }

  ZipEntry central_entry(std::uint64_t& at, std::uint64_t end, std::uint64_t index) {
    const std::string place = "central directory entry " + std::to_string(index);
    if (end - at < central_size || u32(at) != 0x02014b50) {
      fail("zip.directory", place, "is cut off or has no signature at byte " + std::to_string(at));
    }
    const std::uint64_t name = u16(at + 28), extra = u16(at + 30), comment = u16(at + 32);
    if (end - at - central_size < name + extra + comment) {
      fail("zip.directory", place, "its name, extra field and comment run past the directory's end");
    }
    ZipEntry entry;
    entry.name = as_text(bytes_.subspan(at + central_size, name));
    entry.flags = u16(at + 8);
    entry.method = u16(at + 10);
    entry.crc = u32(at + 16);
    entry.packed_size = u32(at + 20);
    entry.size = u32(at + 24);
    entry.offset = u32(at + 42);
    widen(at + central_size + name, extra, label(entry), {&entry.size, &entry.packed_size, &entry.offset});
    at += central_size + name + extra + comment;

    if ((entry.flags & 0x2041u) != 0) {
      fail("zip.encrypted", label(entry), "is encrypted, expected plain data", "save it without a password");
    }
    if (entry.method != 0 && entry.method != 8) {
      fail("zip.method", label(entry),
           "is packed with method " + std::to_string(entry.method) + ", expected 0 (stored) or 8 (deflate)",
           "save it with np.savez or np.savez_compressed");
    }
    return entry;
  }

  // Replaces the fields that hold the 32-bit marker by their 64-bit values from the Zip64 extra field, and checks
  // that the extra fields fill their space exactly.
  void widen(std::uint64_t at, std::uint64_t length, const std::string& place, std::vector<std::uint64_t*> fields) {
    const std::uint64_t end = at + length;
    std::erase_if(fields, [](const std::uint64_t* field) { return *field != none32; });
    bool done = fields.empty();
    // Up to three bytes of padding are tolerated, as other readers do.
    while (end - at >= 4) {
      const std::uint64_t id = u16(at), size = u16(at + 2);
      at += 4;
      if (size > end - at) fail("zip.zip64", place, "an extra field runs past the end of its header");
      if (id == 1 && !done) {
        if (size < 8 * fields.size()) fail("zip.zip64", place, "its Zip64 extra field is too short");
        for (std::size_t i = 0; i < fields.size(); ++i) *fields[i] = u64(at + 8 * i);
        done = true;
      }
      at += size;
    }
    if (!done) fail("zip.zip64", place, "its sizes point to a Zip64 extra field that is not there");
  }

  void check_names(const std::vector<ZipEntry>& entries) {
    std::unordered_set<std::string_view> names;
    for (const auto& entry : entries) {
      if (entry.name.find('\0') != std::string::npos) fail("zip.name", label(entry), "its name holds a NUL byte");
      if (!names.insert(entry.name).second) {
        fail("zip.duplicate", label(entry), "two members have this name, expected one", "export the archive again");
      }
    }
  }

  void check_sizes(const std::vector<ZipEntry>& entries) {
    const std::uint64_t allowed = limits_.free_bytes + limits_.max_ratio * bytes_.size();
    std::uint64_t left = allowed;
    for (const auto& entry : entries) {
      if (entry.method == 0 && entry.size != entry.packed_size) {
        fail("zip.inflated-size", label(entry),
             "is stored unpacked but has " + std::to_string(entry.packed_size) + " bytes for a declared " +
                 std::to_string(entry.size));
      }
      if (entry.size > left) {
        fail("zip.inflated-size", label(entry),
             "declares " + std::to_string(entry.size) + " bytes unpacked, which takes the archive of " +
                 std::to_string(bytes_.size()) + " bytes over the allowed " + std::to_string(allowed),
             "if the file is trusted, save it again uncompressed with np.savez");
      }
      left -= entry.size;
    }
  }

  void check_places(std::vector<ZipEntry>& entries, std::uint64_t directory) {
    for (auto& entry : entries) check_local(entry, directory);
    std::vector<const ZipEntry*> order;
    for (const auto& entry : entries) order.push_back(&entry);
    std::sort(order.begin(), order.end(), [](auto* a, auto* b) { return a->offset < b->offset; });
    for (std::size_t i = 1; i < order.size(); ++i) {
      if (order[i]->offset < order[i - 1]->data_begin + order[i - 1]->packed_size) {
        fail("zip.overlap", label(*order[i]),
             "begins at byte " + std::to_string(order[i]->offset) + ", overlapping member '" +
                 escape_text(order[i - 1]->name) + "'");
      }
    }
  }

  void check_local(ZipEntry& entry, std::uint64_t directory) {
    const std::uint64_t at = entry.offset;
    if (directory < local_size || at > directory - local_size || u32(at) != 0x04034b50) {
      fail("zip.local", label(entry), "no local header at byte " + std::to_string(at) + " where the directory puts it");
    }
    const std::uint64_t name = u16(at + 26), extra = u16(at + 28);
    if (name + extra > directory - at - local_size) {
      fail("zip.local", label(entry), "its local header runs into the central directory");
    }
    entry.data_begin = at + local_size + name + extra;
    if (entry.packed_size > directory - entry.data_begin) {
      fail("zip.local", label(entry),
           "its data of " + std::to_string(entry.packed_size) + " bytes at byte " + std::to_string(entry.data_begin) +
               " runs past byte " + std::to_string(directory) + ", where the central directory begins");
    }
    const auto differ = [&](const std::string& what, const std::string& local, const std::string& central) {
      fail("zip.local", label(entry), what + " is " + local + " in the local header, " + central + " in the directory");
    };
    const std::string local_name(as_text(bytes_.subspan(at + local_size, name)));
    if (local_name != entry.name)
      differ("the name", "'" + escape_text(local_name) + "'", "'" + escape_text(entry.name) + "'");
    if (u16(at + 8) != entry.method) differ("the method", std::to_string(u16(at + 8)), std::to_string(entry.method));
    if ((u16(at + 6) & 0x2041u) != 0) fail("zip.encrypted", label(entry), "its local header says it is encrypted");

    std::uint64_t size = u32(at + 22), packed = u32(at + 18);
    widen(at + local_size + name, extra, label(entry), {&size, &packed});
    const std::uint32_t crc = u32(at + 14);
    // With a data descriptor (bit 3) the three follow the data, and the local header may hold zeros instead.
    const bool deferred = (u16(at + 6) & 8u) != 0;
    const auto check = [&](const char* what, std::uint64_t local, std::uint64_t central) {
      if (local != central && !(deferred && local == 0)) differ(what, std::to_string(local), std::to_string(central));
    };
    check("the unpacked size", size, entry.size);
    check("the packed size", packed, entry.packed_size);
    check("the CRC", crc, entry.crc);
  }

  static std::string label(const ZipEntry& entry) { return "member '" + escape_text(entry.name) + "'"; }
  std::uint16_t u16(std::uint64_t at) const { return load<std::uint16_t>(bytes_, at); }
  std::uint32_t u32(std::uint64_t at) const { return load<std::uint32_t>(bytes_, at); }
  std::uint64_t u64(std::uint64_t at) const { return load<std::uint64_t>(bytes_, at); }
  [[noreturn]] void fail(const char* code, const std::string& place, const std::string& problem,
                         const std::string& hint = damaged) {
    reject_input(code, file_, place, problem, hint);
  }

  std::span<const std::byte> bytes_;
  const std::string& file_;
  const ZipLimits& limits_;
};

}  // namespace

std::vector<ZipEntry> read_zip_directory(std::span<const std::byte> bytes, const std::string& file,
                                         const ZipLimits& limits) {
  return Reader(bytes, file, limits).read();
}

}  // namespace triptych::data
