#include "data/npz.h"

#include <zip.h>

#include <algorithm>
#include <memory>
#include <unordered_set>

#include "core/error.h"
#include "data/atomic_file.h"
#include "data/bytes.h"
#include "data/npy.h"
#include "data/read_file.h"

namespace triptych::data {
namespace {

constexpr std::string_view suffix = ".npy";
constexpr const char* damaged = "the archive is damaged: copy or export it again";

struct ZipError : zip_error_t {
  ZipError() { zip_error_init(this); }
  ~ZipError() { zip_error_fini(this); }
  ZipError(const ZipError&) = delete;
  ZipError& operator=(const ZipError&) = delete;
  std::string text() { return zip_error_strerror(this); }
};

struct Discard {
  void operator()(zip_t* archive) const { zip_discard(archive); }
  void operator()(zip_file_t* member) const { zip_fclose(member); }
  void operator()(zip_source_t* source) const { zip_source_free(source); }
};
using ZipHandle = std::unique_ptr<zip_t, Discard>;
using MemberHandle = std::unique_ptr<zip_file_t, Discard>;
using SourceHandle = std::unique_ptr<zip_source_t, Discard>;

class Archive {
 public:
  Archive(std::span<const std::byte> bytes, const std::string& path, const ZipLimits& limits)
      : path_(path), bytes_(bytes), entries_(read_zip_directory(bytes_, path, limits)) {
    // libzip takes a directory without entries for no archive at all.
    if (entries_.empty()) return;
    ZipError error;
    zip_source_t* source = zip_source_buffer_create(bytes_.data(), bytes_.size(), 0, &error);
    if (source == nullptr) fail("npz.zip", "", error.text());
    zip_.reset(zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &error));
    if (!zip_) {
      zip_source_free(source);
      fail("npz.zip", "", "not a usable ZIP archive: " + error.text());
    }
    compare_with_libzip();
  }

  const std::vector<ZipEntry>& entries() const { return entries_; }

  Array array(std::size_t index, const NpyOptions& options) {
    const ZipEntry& entry = entries_[index];
    return parse_npy(inflate(index, entry.size), path_, entry.name, options);
  }

  // The member's first bytes, enough for the header; for listing shapes.
  NpyHeader header(std::size_t index, const NpyOptions& options) {
    const auto bytes = inflate(index, std::min<std::uint64_t>(entries_[index].size, max_npy_prefix));
    return parse_npy_header(bytes, path_, entries_[index].name, options);
  }

  [[noreturn]] void fail(const char* code, const std::string& place, const std::string& problem,
                         const std::string& hint = damaged) const {
    reject_input(code, path_, place, problem, hint);
  }

 private:
  void compare_with_libzip() {
    bool same = zip_get_num_entries(zip_.get(), 0) == static_cast<zip_int64_t>(entries_.size());
    for (std::size_t i = 0; same && i < entries_.size(); ++i) {
      zip_stat_t stat;
      zip_stat_init(&stat);
      constexpr zip_uint64_t needed = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_CRC;
      same = zip_stat_index(zip_.get(), i, ZIP_FL_ENC_RAW, &stat) == 0 && (stat.valid & needed) == needed &&
             entries_[i].name == stat.name && entries_[i].size == stat.size &&
             entries_[i].packed_size == stat.comp_size && entries_[i].crc == stat.crc;
    }
    if (!same) fail("npz.zip", "", "the archive can be read in two different ways");
  }

  // The first wanted bytes; when that is all, the CRC is checked too. The buffer grows with the data that is really
  // there, so a size that lies costs nothing.
  std::vector<std::byte> inflate(std::size_t index, std::uint64_t wanted) {
    const ZipEntry& entry = entries_[index];
    const std::string place = npy_place(entry.name);
    const MemberHandle member(zip_fopen_index(zip_.get(), index, 0));
    if (!member) fail("npz.inflate", place, zip_error_strerror(zip_get_error(zip_.get())));
    const std::uint64_t first_chunk = entry.method == 0 ? wanted : std::uint64_t{1} << 20;
    std::vector<std::byte> out(std::min(wanted, first_chunk));
    std::size_t done = 0;
    for (;;) {
      if (done == out.size() && done < wanted) {
        out.resize(std::min<std::uint64_t>(wanted, out.size() + out.size() / 2 + 1));
      }
      // Past the declared size one more byte is asked for: it must be the end, and libzip compares the CRC there.
      std::byte extra{};
      const bool full = done == wanted;
      if (full && wanted < entry.size) return out;
      const auto got = zip_fread(member.get(), full ? &extra : out.data() + done, full ? 1 : out.size() - done);
      if (got < 0) fail_inflate(member.get(), place, entry);
      if (got > 0 && full) {
        fail("npz.inflate", place, "unpacks to more than its declared " + std::to_string(entry.size) + " bytes");
      }
      if (got == 0 && !full) {
        fail("npz.inflate", place,
             "unpacks to " + std::to_string(done) + " bytes, expected its declared " + std::to_string(entry.size));
      }
      if (got == 0) return out;
      done += static_cast<std::size_t>(got);
    }
  }

  [[noreturn]] void fail_inflate(zip_file_t* member, const std::string& place, const ZipEntry& entry) {
    zip_error_t* error = zip_file_get_error(member);
    switch (zip_error_code_zip(error)) {
      case ZIP_ER_CRC: fail("npz.crc", place, "its data does not match its CRC checksum");
      case ZIP_ER_INCONS:
      case ZIP_ER_EOF:
        fail("npz.inflate", place, "does not unpack to its declared " + std::to_string(entry.size) + " bytes");
      default: fail("npz.inflate", place, std::string("cannot be unpacked: ") + zip_error_strerror(error));
    }
  }

  const std::string& path_;
  std::span<const std::byte> bytes_;  // libzip reads from it: the caller's must outlive zip_
  std::vector<ZipEntry> entries_;
  ZipHandle zip_;
};

// The member's name as NumPy shows it. Names are text only: nothing is ever unpacked to disk.
std::string array_name(const Archive& archive, const ZipEntry& entry) {
  if (!entry.name.ends_with(suffix) || entry.name.size() == suffix.size()) {
    archive.fail("npz.member", npy_place(entry.name), "is not an array, expected a name ending in .npy",
                 "save the archive with np.savez");
  }
  return entry.name.substr(0, entry.name.size() - suffix.size());
}

[[noreturn]] void refuse_absent(Archive& archive, const std::string& name, const NpyOptions& options) {
  constexpr std::size_t most_listed = 20;
  std::string list;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < archive.entries().size(); ++i) {
    const auto& entry = archive.entries()[i];
    names.push_back(entry.name.ends_with(suffix) ? entry.name.substr(0, entry.name.size() - suffix.size())
                                                 : entry.name);
    if (i >= most_listed) continue;
    list += (i == 0 ? "" : ", ") + escape_text(names.back(), 64) + " ";
    try {
      const NpyHeader header = archive.header(i, options);
      list += shape_text(header.shape) + " " + std::string(dtype_name(header.dtype));
    } catch (const Error&) {
      list += "(not readable)";
    }
  }
  if (names.size() > most_listed) list += ", and " + std::to_string(names.size() - most_listed) + " more";
  const std::string close = nearest(name, names);
  archive.fail("npz.absent", "",
               "no array '" + escape_text(name) + "', expected one of: " + (list.empty() ? "none" : list),
               close.empty() ? "name one of the arrays in the archive" : "did you mean '" + escape_text(close) + "'?");
}

}  // namespace

NamedArrays read_npz(const std::string& path, const NpyOptions& options, const ZipLimits& limits) {
  return parse_npz(read_file(path), path, options, limits);
}

NamedArrays parse_npz(std::span<const std::byte> bytes, const std::string& file, const NpyOptions& options,
                      const ZipLimits& limits) {
  Archive archive(bytes, file, limits);
  NamedArrays arrays;
  for (std::size_t i = 0; i < archive.entries().size(); ++i) {
    std::string name = array_name(archive, archive.entries()[i]);
    arrays.emplace_back(std::move(name), archive.array(i, options));
  }
  return arrays;
}

Array read_npz_member(const std::string& path, const std::string& name, const NpyOptions& options,
                      const ZipLimits& limits) {
  const auto bytes = read_file(path);
  Archive archive(bytes, path, limits);
  // An array may itself be called "x.npy"; the exact name wins.
  for (const std::string& wanted : {name + std::string(suffix), name}) {
    for (std::size_t i = 0; i < archive.entries().size(); ++i) {
      if (archive.entries()[i].name == wanted && wanted.ends_with(suffix)) return archive.array(i, options);
    }
  }
  refuse_absent(archive, name, options);
}

std::vector<std::byte> serialize_npz(const NamedArrays& members, bool compress) {
  const auto fail = [](const std::string& problem) { throw Error(Exit::output, "npz.write", "npz: " + problem); };
  ZipError error;
  const SourceHandle target(zip_source_buffer_create(nullptr, 0, 0, &error));
  if (!target) fail(error.text());
  // zip_close and zip_discard each give up one reference; ours is for reading the result.
  zip_source_keep(target.get());
  ZipHandle archive(zip_open_from_source(target.get(), ZIP_CREATE | ZIP_TRUNCATE, &error));
  if (!archive) {
    zip_source_free(target.get());
    fail(error.text());
  }
  std::unordered_set<std::string_view> names;
  std::vector<std::vector<std::byte>> payloads;  // libzip reads them in zip_close
  payloads.reserve(members.size());
  for (const auto& [name, array] : members) {
    if (name.empty() || name.find('\0') != std::string::npos || !names.insert(name).second) {
      throw Error(Exit::output, "npz.name",
                  "npz: '" + escape_text(name) + "' cannot name an array, expected unique names without NUL");
    }
    payloads.push_back(serialize_npy(array));
    zip_source_t* source = zip_source_buffer(archive.get(), payloads.back().data(), payloads.back().size(), 0);
    if (source == nullptr) fail(zip_error_strerror(zip_get_error(archive.get())));
    const auto index = zip_file_add(archive.get(), (name + std::string(suffix)).c_str(), source, ZIP_FL_ENC_GUESS);
    if (index < 0) {
      zip_source_free(source);
      fail("'" + escape_text(name) + "': " + zip_error_strerror(zip_get_error(archive.get())));
    }
    const auto at = static_cast<zip_uint64_t>(index);
    constexpr zip_uint16_t midnight = 0, first_of_1980 = (1 << 5) | 1;
    const auto method = compress ? ZIP_CM_DEFLATE : ZIP_CM_STORE;
    if (zip_set_file_compression(archive.get(), at, method, 0) != 0 ||
        zip_file_set_dostime(archive.get(), at, midnight, first_of_1980, 0) != 0) {
      fail(zip_error_strerror(zip_get_error(archive.get())));
    }
  }
  if (members.empty()) {
    // libzip would delete an archive without members; this is the end record of one.
    std::vector<std::byte> end(22);
    store<std::uint32_t>(end, 0, 0x06054b50);
    return end;
  }
  if (zip_close(archive.get()) != 0) fail(zip_error_strerror(zip_get_error(archive.get())));
  (void)archive.release();

  zip_stat_t stat;
  zip_stat_init(&stat);
  if (zip_source_stat(target.get(), &stat) != 0 || zip_source_open(target.get()) != 0) fail("the archive was lost");
  std::vector<std::byte> out(stat.size);
  const auto got = zip_source_read(target.get(), out.data(), out.size());
  zip_source_close(target.get());
  if (got != static_cast<zip_int64_t>(out.size())) fail("the archive could not be read back");
  return out;
}

void write_npz(const std::string& path, const NamedArrays& members, bool compress) {
  write_file_atomically(path, serialize_npz(members, compress));
}

}  // namespace triptych::data
