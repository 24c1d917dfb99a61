#include "data/npy_header.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string_view>

#include "core/error.h"
#include "data/bytes.h"
#include "data/sniff.h"

namespace triptych::data {
namespace {

constexpr std::string_view magic = "\x93NUMPY";

// Reads just the literals a header can hold; anything else of Python is refused with its position.
class LiteralParser {
 public:
  LiteralParser(std::string_view text, const std::string& file, const std::string& member, const NpyOptions& options)
      : text_(text), file_(file), member_(member), options_(options) {}

  NpyHeader parse() {
    expect('{', "a dict");
    while (!take('}')) {
      const std::string key = quoted("a key");
      expect(':', "':'");
      read_value(key);
      if (!take(',')) {
        expect('}', "',' or '}'");
        break;
      }
    }
    skip_space();
    if (at_ != text_.size()) bad("the end of the header");
    if (!descr_) fail("npy.key", "the key 'descr' is missing");
    if (!fortran_) fail("npy.key", "the key 'fortran_order' is missing");
    if (!shape_) fail("npy.key", "the key 'shape' is missing");

    NpyHeader header;
    header.fortran_order = *fortran_;
    header.shape = *shape_;
    read_descr(header);
    if (!byte_count(header.shape, dtype_size(header.dtype), header.data_bytes)) {
      fail("npy.shape", "shape " + shape_text(header.shape) + " needs more than 2^63 bytes");
    }
    return header;
  }

 private:
  void read_value(const std::string& key) {
    if (key == "descr") {
      once(key, descr_.has_value());
      skip_space();
      if (peek() == '[') {
        refuse_dtype("npy.dtype", "a structured dtype", "save each field as its own array");
      }
      descr_ = quoted("a dtype string");
    } else if (key == "fortran_order") {
      once(key, fortran_.has_value());
      fortran_ = boolean();
    } else if (key == "shape") {
      once(key, shape_.has_value());
      shape_ = tuple();
    } else {
      fail("npy.key", "unknown key '" + escape_text(key) + "', expected descr, fortran_order and shape");
    }
  }

  void once(const std::string& key, bool seen) {
    if (seen) fail("npy.key", "the key '" + key + "' appears twice");
  }

  std::string quoted(const char* what) {
    skip_space();
    const char quote = peek();
    if (quote != '\'' && quote != '"') bad(what);
    const auto end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) bad("a closing quote");
    std::string value(text_.substr(at_ + 1, end - at_ - 1));
    if (value.find('\\') != std::string::npos) bad("a string without escapes");
    at_ = end + 1;
    return value;
  }

  bool boolean() {
    skip_space();
    for (const auto& [word, value] : {std::pair{std::string_view("True"), true}, {std::string_view("False"), false}}) {
      if (text_.substr(at_).starts_with(word)) {
        at_ += word.size();
        return value;
      }
    }
    bad("True or False");
  }

  Shape tuple() {
    expect('(', "a tuple of sizes");
    Shape shape;
    bool comma = true;
    while (!take(')')) {
      if (!comma) bad("',' or ')'");
      shape.push_back(size());
      comma = take(',');
      if (shape.size() > max_rank) {
        fail("npy.shape", "shape has more than " + std::to_string(max_rank) + " dimensions");
      }
    }
    // (5) is a number in Python, only (5,) is a tuple.
    if (shape.size() == 1 && !comma) bad("',' after the only size");
    return shape;
  }

  std::int64_t size() {
    skip_space();
    if (peek() == '-') fail("npy.shape", "shape holds a negative size" + here());
    if (peek() < '0' || peek() > '9') fail("npy.shape", "shape holds something other than whole numbers" + here());
    std::int64_t value = 0;
    for (; peek() >= '0' && peek() <= '9'; ++at_) {
      const int digit = peek() - '0';
      if (value > (std::numeric_limits<std::int64_t>::max() - digit) / 10) {
        fail("npy.shape", "shape holds a size of 2^63 or more" + here());
      }
      value = value * 10 + digit;
    }
    if (peek() == 'L') ++at_;  // written by Python 2
    skip_space();
    if (peek() != ',' && peek() != ')') fail("npy.shape", "shape holds something other than whole numbers" + here());
    return value;
  }

  // '<f4' and the like. '=' and no prefix mean the writer's own order, which is taken to be little-endian.
  void read_descr(NpyHeader& header) {
    const std::string& descr = *descr_;
    std::string_view type = descr;
    char order = '=';
    if (!type.empty() && std::string_view("<>|=").find(type[0]) != std::string_view::npos) {
      order = type[0];
      type.remove_prefix(1);
    }
    const char kind = type.empty() ? '\0' : type[0];
    if (kind == 'O') {
      refuse_dtype("npy.object", "pickled Python objects, which are never loaded",
                   "save plain numbers: np.save(path, np.asarray(array.tolist(), dtype=np.float32))");
    }
    if (type == "V2") {
      if (!options_.v2_is_bfloat16) {
        refuse_dtype("npy.dtype", "two untyped bytes, which may be bfloat16",
                     "save as float32: np.save(path, array.view(ml_dtypes.bfloat16).astype(np.float32))");
      }
      header.dtype = Dtype::bf16;
    } else if (const auto found = plain(type)) {
      header.dtype = *found;
    } else {
      const char* what = kind == 'c'                                 ? "complex numbers"
                         : kind == 'S' || kind == 'a' || kind == 'U' ? "strings"
                         : kind == 'M' || kind == 'm'                ? "dates or durations"
                         : kind == 'V'                               ? "untyped bytes"
                                                                     : "a dtype this program does not know";
      refuse_dtype("npy.dtype", what, "save as float32: np.save(path, array.astype(np.float32))");
    }
    if (order == '|' && dtype_size(header.dtype) > 1 && header.dtype != Dtype::bf16) {
      refuse_dtype("npy.dtype", "a dtype without byte order", "");
    }
    header.big_endian = order == '>' && dtype_size(header.dtype) > 1;
  }

  static std::optional<Dtype> plain(std::string_view type) {
    static constexpr std::pair<std::string_view, Dtype> known[] = {
        {"b1", Dtype::boolean}, {"?", Dtype::boolean}, {"i1", Dtype::i8},  {"u1", Dtype::u8},  {"i2", Dtype::i16},
        {"u2", Dtype::u16},     {"i4", Dtype::i32},    {"u4", Dtype::u32}, {"i8", Dtype::i64}, {"u8", Dtype::u64},
        {"f2", Dtype::f16},     {"f4", Dtype::f32},    {"f8", Dtype::f64}};
    for (const auto& [text, dtype] : known) {
      if (text == type) return dtype;
    }
    return {};
  }

  [[noreturn]] void refuse_dtype(std::string code, const std::string& what, std::string hint) {
    const std::string shown = descr_ ? "dtype '" + escape_text(*descr_) + "'" : "descr";
    reject_input(std::move(code), file_, npy_place(member_, "header"),
                 shown + " holds " + what + ", expected bool, int, uint or float", std::move(hint));
  }

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_space() {
    while (peek() == ' ' || peek() == '\n' || peek() == '\t' || peek() == '\r') ++at_;
  }
  bool take(char c) {
    skip_space();
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void expect(char c, const char* what) {
    if (!take(c)) bad(what);
  }
  std::string here() const { return " (header character " + std::to_string(at_) + ")"; }
  [[noreturn]] void bad(const std::string& expected) {
    const std::string found = at_ < text_.size() ? "'" + escape_text(text_.substr(at_, 12)) + "'" : "the end";
    fail("npy.header", "found " + found + here() + ", expected " + expected);
  }
  [[noreturn]] void fail(std::string code, const std::string& problem) {
    reject_input(std::move(code), file_, npy_place(member_, "header"), problem, "save the array again with np.save");
  }

  std::string_view text_;
  const std::string& file_;
  const std::string& member_;
  const NpyOptions& options_;
  std::size_t at_ = 0;
  std::optional<std::string> descr_;
  std::optional<bool> fortran_;
  std::optional<Shape> shape_;
};

}  // namespace

std::string npy_place(const std::string& member, const std::string& place) {
  if (member.empty()) return place;
  const std::string prefix = "member '" + escape_text(member) + "'";
  return place.empty() ? prefix : prefix + ": " + place;
}

NpyHeader parse_npy_header(std::span<const std::byte> bytes, const std::string& file, const std::string& member,
                           const NpyOptions& options) {
  const auto fail = [&](const char* code, const std::string& problem, std::string hint = {}) {
    reject_input(code, file, npy_place(member), problem, std::move(hint));
  };
  const std::string_view text = as_text(bytes);
  if (!text.starts_with(magic.substr(0, std::min(text.size(), magic.size())))) {
    Guess guess = sniff(bytes);
    fail("npy.magic", "looks like " + guess.looks_like + ", expected a NumPy array (.npy)", std::move(guess.hint));
  }
  const auto too_short = [&](std::size_t needed, const char* part) {
    fail("npy.too-short",
         "too short for a NumPy file: " + std::to_string(bytes.size()) + " bytes, expected at least " +
             std::to_string(needed) + " for " + part,
         "the file was cut off: copy or export it again");
  };
  if (bytes.size() < 10) too_short(10, "magic, version and header length");
  const auto major = load<std::uint8_t>(bytes, 6);
  const auto minor = load<std::uint8_t>(bytes, 7);
  if (major < 1 || major > 3 || minor != 0) {
    fail("npy.version",
         "unsupported NumPy format version " + std::to_string(major) + "." + std::to_string(minor) +
             ", expected 1.0, 2.0 or 3.0",
         "save it again with np.save");
  }
  const std::size_t prefix = major == 1 ? 10 : 12;
  if (bytes.size() < prefix) too_short(prefix, "magic, version and header length");
  const std::size_t length = major == 1 ? load<std::uint16_t>(bytes, 8) : load<std::uint32_t>(bytes, 8);
  if (length > bytes.size() - prefix && length <= max_npy_header) {
    fail("npy.header-length",
         "the header is " + std::to_string(length) + " bytes long but only " + std::to_string(bytes.size() - prefix) +
             " follow its length, expected the whole header",
         "the file was cut off: copy or export it again");
  }
  if (length > max_npy_header) {
    fail("npy.header-length",
         "the header claims " + std::to_string(length) + " bytes, expected at most " + std::to_string(max_npy_header),
         "save the array again with np.save");
  }
  const std::string_view literal = text.substr(prefix, length);
  if (literal.find('\0') != std::string_view::npos) fail("npy.header", "header: holds a NUL byte, expected text");
  if (!is_utf8(literal)) fail("npy.header", "header: is not UTF-8 text");
  NpyHeader header = LiteralParser(literal, file, member, options).parse();
  header.data_offset = prefix + length;
  return header;
}

}  // namespace triptych::data
