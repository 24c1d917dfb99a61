#include "data/safetensors.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <set>

#include "core/error.h"
#include "data/atomic_file.h"
#include "data/bytes.h"
#include "data/read_file.h"
#include "data/safetensors_header.h"
#include "data/sniff.h"

namespace triptych::data {
namespace {

struct FormatDtype {
  std::string_view name;
  std::size_t bits;
  std::optional<Dtype> dtype;  // empty: the format has it, Array does not
};
constexpr FormatDtype format_dtypes[] = {
    {"BOOL", 8, Dtype::boolean}, {"I8", 8, Dtype::i8},    {"U8", 8, Dtype::u8},      {"I16", 16, Dtype::i16},
    {"U16", 16, Dtype::u16},     {"I32", 32, Dtype::i32}, {"U32", 32, Dtype::u32},   {"I64", 64, Dtype::i64},
    {"U64", 64, Dtype::u64},     {"F16", 16, Dtype::f16}, {"BF16", 16, Dtype::bf16}, {"F32", 32, Dtype::f32},
    {"F64", 64, Dtype::f64},     {"F4", 4, {}},           {"F6_E2M3", 6, {}},        {"F6_E3M2", 6, {}},
    {"F8_E4M3", 8, {}},          {"F8_E5M2", 8, {}},      {"F8_E8M0", 8, {}},        {"C64", 64, {}}};

const FormatDtype* find_dtype(std::string_view name) {
  const auto* found = std::find_if(std::begin(format_dtypes), std::end(format_dtypes),
                                   [&](const FormatDtype& row) { return row.name == name; });
  return found == std::end(format_dtypes) ? nullptr : found;
}

std::string_view name_of(Dtype dtype) {
  for (const auto& row : format_dtypes) {
    if (row.dtype == dtype) return row.name;
  }
  return {};
}

class Layout {
 public:
  Layout(std::vector<SafetensorsEntry>& entries, std::uint64_t buffer, const std::string& file)
      : entries_(entries), buffer_(buffer), file_(file) {}

  void check() {
    // Empty tensors share their offset with a neighbour and must sort before the one that begins there.
    std::stable_sort(entries_.begin(), entries_.end(), [](const auto& a, const auto& b) {
      return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
    });
    check_coverage();
    for (const auto& entry : entries_) check_size(entry);
    for (const auto& entry : entries_) check_dtype(entry);
  }

 private:
  void check_coverage() {
    std::uint64_t expected = 0;
    for (const auto& entry : entries_) {
      const std::string from = "begins at buffer byte " + std::to_string(entry.begin) + ", expected ";
      if (entry.begin > expected && &entry == &entries_.front())
        fail("safetensors.start", entry, from + "the first tensor at 0");
      if (entry.begin > expected)
        fail("safetensors.hole", entry, from + std::to_string(expected) + ": a hole before it");
      if (entry.begin < expected) {
        fail("safetensors.overlap", entry, from + std::to_string(expected) + ": it overlaps the tensor before it");
      }
      if (entry.end > buffer_) {
        fail("safetensors.end", entry,
             "ends at buffer byte " + std::to_string(entry.end) + ", past the file's end, expected at most " +
                 std::to_string(buffer_));
      }
      expected = entry.end;
    }
    if (expected == buffer_) return;
    reject_input("safetensors.trailing", file_, "",
                 std::to_string(buffer_ - expected) + " trailing bytes after the last tensor, expected none",
                 "export the file again");
  }

  void check_size(const SafetensorsEntry& entry) {
    const FormatDtype* row = find_dtype(entry.dtype);
    // For an unknown dtype the product is still checked, as if it took one bit an element.
    const std::size_t bits = row == nullptr ? 1 : row->bits;
    std::uint64_t total = 0;
    if (!byte_count(entry.shape, bits, total)) {
      fail("safetensors.size", entry,
           "shape " + shape_text(entry.shape) + " of " + escape_text(entry.dtype, 32) + " overflows 64 bits");
    }
    if (row == nullptr) return;
    if (total % 8 != 0) {
      fail("safetensors.size", entry,
           "shape " + shape_text(entry.shape) + " of " + entry.dtype + " is " + std::to_string(total) +
               " bits, expected a multiple of 8");
    }
    if (total / 8 != entry.end - entry.begin) {
      fail("safetensors.size", entry,
           "shape " + shape_text(entry.shape) + " of " + entry.dtype + " needs " + std::to_string(total / 8) +
               " bytes, but its data_offsets give " + std::to_string(entry.end - entry.begin));
    }
  }

  void check_dtype(const SafetensorsEntry& entry) {
    const FormatDtype* row = find_dtype(entry.dtype);
    if (row != nullptr && row->dtype) return;
    reject_input("safetensors.dtype", file_, place(entry),
                 std::string(row == nullptr ? "unknown" : "unsupported") + " dtype '" + escape_text(entry.dtype, 32) +
                     "', expected BOOL, I8 to U64, F16, BF16, F32 or F64",
                 "convert the tensor to F32 and save the file again");
  }

  static std::string place(const SafetensorsEntry& entry) { return "tensor '" + escape_text(entry.name) + "'"; }
  [[noreturn]] void fail(const char* code, const SafetensorsEntry& entry, const std::string& problem) {
    reject_input(code, file_, place(entry), problem, "the file is damaged: copy or export it again");
  }

  std::vector<SafetensorsEntry>& entries_;
  std::uint64_t buffer_;
  const std::string& file_;
};

// JSON string literal; the library would throw for text that is not UTF-8.
std::string quoted(const std::string& text, const char* what) {
  if (!is_utf8(text) || text.find('\0') != std::string::npos) {
    throw Error(Exit::output, "safetensors.name",
                std::string("safetensors: ") + what + " '" + escape_text(text) + "' is not UTF-8 text without NUL");
  }
  return nlohmann::json(text).dump();
}

}  // namespace

Safetensors parse_safetensors(std::span<const std::byte> bytes, const std::string& file) {
  const auto fail = [&](const std::string& problem, std::string hint) {
    reject_input("safetensors.length", file, "", problem, std::move(hint));
  };
  const std::string cut_off = "the file was cut off: copy or export it again";
  if (bytes.size() < 8) {
    fail("too short for a safetensors file: " + std::to_string(bytes.size()) + " bytes, expected at least 10", cut_off);
  }
  const auto length = load<std::uint64_t>(bytes, 0);
  const std::uint64_t room = bytes.size() - 8;
  // The first eight bytes of another format make an absurd length, so this is where a wrong kind of file shows.
  if (length > max_safetensors_header) {
    Guess guess = sniff(bytes);
    fail("a header of " + std::to_string(length) + " bytes, expected at most 100000000; the file looks like " +
             guess.looks_like,
         std::move(guess.hint));
  }
  if (length < 2) fail("a header of " + std::to_string(length) + " bytes, expected at least 2 for {}", cut_off);
  if (length > room) {
    fail("a header of " + std::to_string(length) + " bytes, but only " + std::to_string(room) + " follow its length",
         cut_off);
  }
  const std::string_view json = as_text(bytes.subspan(8, static_cast<std::size_t>(length)));
  if (json.front() != '{') {
    reject_input("safetensors.json", file, "header",
                 "begins with '" + escape_text(json.substr(0, 1)) + "', expected '{'", "export the file again");
  }

  SafetensorsHeader header = parse_safetensors_header(json, file);
  Layout(header.entries, room - length, file).check();
  Safetensors out{std::move(header.metadata), {}};
  const auto buffer = bytes.subspan(8 + static_cast<std::size_t>(length));
  for (auto& entry : header.entries) {
    const auto data = buffer.subspan(entry.begin, entry.end - entry.begin);
    out.tensors.emplace_back(
        std::move(entry.name),
        Array{*find_dtype(entry.dtype)->dtype, std::move(entry.shape), {data.begin(), data.end()}});
  }
  return out;
}

Safetensors read_safetensors(const std::string& path) { return parse_safetensors(read_file(path), path); }

std::vector<std::byte> serialize_safetensors(const Safetensors& content) {
  std::vector<std::size_t> order(content.tensors.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return dtype_size(content.tensors[a].second.dtype) > dtype_size(content.tensors[b].second.dtype);
  });

  std::string json = "{";
  if (!content.metadata.empty()) {
    json += "\"" + std::string(metadata_key) + "\":{";
    const char* separator = "";
    for (const auto& [key, value] : content.metadata) {
      json += separator + quoted(key, "metadata key") + ":" + quoted(value, "metadata value");
      separator = ",";
    }
    json += "}";
  }
  std::set<std::string_view> names{metadata_key};
  std::size_t offset = 0;
  for (const auto index : order) {
    const auto& [name, array] = content.tensors[index];
    if (!names.insert(name).second) {
      throw Error(Exit::output, "safetensors.name",
                  "safetensors: the tensor name '" + escape_text(name) + "' is reserved or appears twice");
    }
    std::string shape;
    for (const auto size : array.shape) shape += (shape.empty() ? "" : ",") + std::to_string(size);
    json += (json.size() == 1 ? "" : ",") + quoted(name, "tensor name") + ":{\"dtype\":\"" +
            std::string(name_of(array.dtype)) + "\",\"shape\":[" + shape + "],\"data_offsets\":[" +
            std::to_string(offset) + "," + std::to_string(offset + array.bytes.size()) + "]}";
    offset += array.bytes.size();
  }
  json += "}";
  json.append((8 - json.size() % 8) % 8, ' ');

  std::vector<std::byte> out(8);
  out.reserve(8 + json.size() + offset);
  store<std::uint64_t>(out, 0, json.size());
  const auto text = as_bytes(json);
  out.insert(out.end(), text.begin(), text.end());
  for (const auto index : order) {
    const auto& data = content.tensors[index].second.bytes;
    out.insert(out.end(), data.begin(), data.end());
  }
  return out;
}

void write_safetensors(const std::string& path, const Safetensors& content) {
  write_file_atomically(path, serialize_safetensors(content));
}

}  // namespace triptych::data
