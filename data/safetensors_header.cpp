#include "data/safetensors_header.h"

#include <nlohmann/json.hpp>
#include <unordered_set>

#include "core/error.h"

namespace triptych::data {
namespace {

constexpr std::uint64_t largest_exact = std::uint64_t{1} << 53;  // largest whole number every JSON reader agrees on
constexpr const char* again = "the file is damaged or was not written by a safetensors library: export it again";

// The events of
//   {"__metadata__": {text: text, ...}, name: {"dtype": text, "shape": [n, ...], "data_offsets": [n, n]}, ...}
class HeaderEvents : public nlohmann::json_sax<nlohmann::json> {
 public:
  HeaderEvents(SafetensorsHeader& header, const std::string& file) : header_(header), file_(file) {}

  bool start_object(std::size_t) override {
    if (where_ == Where::outside) {
      where_ = Where::root;
    } else if (where_ == Where::root) {
      where_ = name_ == metadata_key ? Where::metadata : Where::tensor;
      if (where_ == Where::tensor) begin_tensor();
    } else {
      unexpected("an object");
    }
    return true;
  }

  bool key(string_t& text) override {
    if (text.find('\0') != std::string::npos)
      fail("safetensors.json", "the name '" + escape_text(text) + "' holds NUL");
    if (where_ == Where::root) {
      name_ = text;
      field_.clear();
      if (!names_.insert(text).second) fail("safetensors.duplicate", "duplicate name, expected it once");
      return true;
    }
    field_ = text;
    if (where_ == Where::metadata) {
      if (header_.metadata.contains(text)) fail("safetensors.duplicate", "duplicate key, expected it once");
      if (header_.metadata.size() >= max_safetensors_tensors) too_many("metadata entries");
      return true;
    }
    bool* seen = text == "dtype" ? &has_dtype_ : text == "shape" ? &has_shape_ : &has_offsets_;
    if (seen == &has_offsets_ && text != "data_offsets") {
      fail("safetensors.field", "unknown field, expected dtype, shape and data_offsets");
    }
    if (*seen) fail("safetensors.duplicate", "duplicate field, expected it once");
    *seen = true;
    return true;
  }

  bool string(string_t& text) override {
    if (where_ == Where::metadata) {
      header_.metadata.emplace(field_, text);
    } else if (where_ == Where::tensor && field_ == "dtype") {
      header_.entries.back().dtype = text;
    } else {
      unexpected("a string");
    }
    return true;
  }

  bool start_array(std::size_t) override {
    if (where_ != Where::tensor || field_ == "dtype") unexpected("an array");
    where_ = field_ == "shape" ? Where::shape : Where::offsets;
    return true;
  }

  bool number_unsigned(number_unsigned_t value) override {
    if (where_ == Where::shape) {
      auto& shape = header_.entries.back().shape;
      if (shape.size() == max_rank) {
        fail("safetensors.field", "has more than " + std::to_string(max_rank) + " dimensions");
      }
      if (value > largest_exact)
        fail("safetensors.field", "holds " + std::to_string(value) + ", expected at most 2^53");
      shape.push_back(static_cast<std::int64_t>(value));
    } else if (where_ == Where::offsets) {
      if (value > largest_exact)
        fail("safetensors.field", "holds " + std::to_string(value) + ", expected at most 2^53");
      if (offsets_.size() == 2) fail("safetensors.field", "holds three or more numbers, expected two");
      offsets_.push_back(value);
    } else {
      unexpected("a number");
    }
    return true;
  }

  bool number_integer(number_integer_t value) override {
    if (where_ != Where::shape && where_ != Where::offsets) unexpected("a number");
    fail("safetensors.field", "holds the negative number " + std::to_string(value) + ", expected 0 or more");
  }

  bool number_float(number_float_t, const string_t& text) override {
    if (where_ != Where::shape && where_ != Where::offsets) unexpected("a number");
    fail("safetensors.field", "holds " + escape_text(text, 32) + ", expected a whole number of at most 2^53");
  }

  bool end_array() override {
    if (where_ == Where::offsets) {
      if (offsets_.size() != 2) {
        fail("safetensors.field", "holds " + std::to_string(offsets_.size()) + " numbers, expected two");
      }
      if (offsets_[0] > offsets_[1]) {
        fail("safetensors.field", "is reversed: [" + std::to_string(offsets_[0]) + ", " + std::to_string(offsets_[1]) +
                                      "], expected begin <= end");
      }
      header_.entries.back().begin = offsets_[0];
      header_.entries.back().end = offsets_[1];
    }
    where_ = Where::tensor;
    return true;
  }

  bool end_object() override {
    field_.clear();
    if (where_ == Where::tensor) {
      const char* missing = !has_dtype_ ? "dtype" : !has_shape_ ? "shape" : !has_offsets_ ? "data_offsets" : nullptr;
      if (missing != nullptr) fail("safetensors.field", std::string("the field '") + missing + "' is missing");
    }
    where_ = where_ == Where::root ? Where::outside : Where::root;
    return true;
  }

  bool null() override { unexpected("null"); }
  bool boolean(bool) override { unexpected("true or false"); }
  bool binary(binary_t&) override { unexpected("binary data"); }

  bool parse_error(std::size_t position, const std::string& token, const nlohmann::json::exception& error) override {
    // The library's own text quotes file bytes unescaped; position and token say as much. 406: a number that a
    // double cannot hold.
    name_.clear();
    field_.clear();
    fail("safetensors.json", "not valid JSON at header byte " + std::to_string(position) + ", near '" +
                                 escape_text(token.substr(token.size() > 40 ? token.size() - 40 : 0)) + "'" +
                                 (error.id == 406 ? " (number out of range)" : "") +
                                 ", expected a JSON object in UTF-8");
  }

 private:
  enum class Where { outside, root, metadata, tensor, shape, offsets };

  void begin_tensor() {
    if (header_.entries.size() >= max_safetensors_tensors) too_many("tensors");
    header_.entries.push_back({name_, {}, {}, 0, 0});
    has_dtype_ = has_shape_ = has_offsets_ = false;
    offsets_.clear();
  }

  [[noreturn]] void unexpected(const char* what) {
    const char* expected = where_ == Where::outside    ? "an object"
                           : where_ == Where::root     ? "an object for each tensor"
                           : where_ == Where::metadata ? "only strings as metadata values"
                           : where_ == Where::tensor   ? "a string for dtype, arrays for shape and data_offsets"
                                                       : "only whole numbers";
    const bool field = where_ == Where::tensor || where_ == Where::shape || where_ == Where::offsets;
    fail(field ? "safetensors.field" : "safetensors.json", std::string("found ") + what + ", expected " + expected);
  }
  [[noreturn]] void too_many(const char* what) {
    name_.clear();
    field_.clear();
    fail("safetensors.json", std::string("more than ") + std::to_string(max_safetensors_tensors) + " " + what);
  }
  [[noreturn]] void fail(const char* code, const std::string& problem) {
    std::string place = "header";
    if (!name_.empty()) place += name_ == metadata_key ? ": __metadata__" : ": tensor '" + escape_text(name_) + "'";
    if (!field_.empty()) place += ": '" + escape_text(field_) + "'";
    reject_input(code, file_, place, problem, again);
  }

  SafetensorsHeader& header_;
  const std::string& file_;
  Where where_ = Where::outside;
  std::string name_, field_;
  std::unordered_set<std::string> names_;
  std::vector<std::uint64_t> offsets_;
  bool has_dtype_ = false, has_shape_ = false, has_offsets_ = false;
};

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view json, const std::string& file) {
  SafetensorsHeader header;
  HeaderEvents events(header, file);
  // The library takes a NUL for the end of its input and would not look at what follows.
  if (const auto nul = json.find('\0'); nul != std::string_view::npos) {
    reject_input("safetensors.json", file, "header", "holds a NUL at header byte " + std::to_string(nul), again);
  }
  // Strict: nothing but white space may follow the object. The parser keeps its nesting in a heap-allocated stack of
  // bits, and the events above end it at the fourth level.
  nlohmann::json::sax_parse(json, &events);
  return header;
}

}  // namespace triptych::data
