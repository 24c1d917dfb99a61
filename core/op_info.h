// OpInfo: what a registry knows of an op or a loss. From this alone come its gradient check, the parity of backends,
// its error cases, `triptych explain`, `triptych compute` and its row in the docs.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/tape.h"

namespace triptych {

// --- parameters: settings that are not tensors
// -------------------------------------------------------------------------

using Setting = std::variant<double, bool, std::string>;

struct Param {
  std::string_view name;
  Setting fallback;
  std::string_view meaning;
};
using Settings = std::vector<std::pair<std::string, Setting>>;  // those given; the others take their fallback

// --- inputs
// ------------------------------------------------------------------------------------------------------------

enum class Kind : std::uint8_t {
  real,      // floating, differentiable
  constant,  // floating, no gradient (masks)
  index,     // int32
};
struct Input {
  std::string_view name;
  std::string_view shape;  // pattern for people: "(..., d)"
  Kind kind = Kind::real;
  bool optional = false;
};

// How a sample's input is made: drawn by Philox from the sample's own stream, so every run sees the same values.
struct Draw {
  enum class Law : std::uint8_t { none, normal, uniform, fill, list } law = Law::none;
  Shape shape;
  double low = 0, high = 1;    // uniform; fill takes low; normal is high * N(0,1) + low
  std::vector<double> values;  // list
};
template <class... Sizes>
Draw normal(Sizes... sizes) {
  return {Draw::Law::normal, Shape{static_cast<std::int64_t>(sizes)...}, 0, 1, {}};
}
inline Draw operator*(double scale, Draw d) { return d.high *= scale, d.low *= scale, d; }
inline Draw operator+(double shift, Draw d) {
  return d.low += shift, d.high += d.law == Draw::Law::uniform ? shift : 0, d;
}
inline Draw uniform(double low, double high, Shape shape) { return {Draw::Law::uniform, shape, low, high, {}}; }
inline Draw fill(double value, Shape shape) { return {Draw::Law::fill, shape, value, 0, {}}; }
inline Draw list(Shape shape, std::vector<double> values) { return {Draw::Law::list, shape, 0, 1, std::move(values)}; }
inline Draw absent() { return {}; }
// index inputs become int32 whatever the dtype; absent() gives a null Tensor.
Tensor make(const Draw& draw, const Input& input, DType dtype, std::uint64_t stream);

struct Sample {
  std::string_view name;
  std::vector<Draw> inputs;  // in the order of OpInfo::inputs; trailing optional ones may be left out
  Settings settings = {};
};
struct ErrorCase {
  Sample sample;
  std::string_view message;  // the whole text thrown
};

// --- the call
// ----------------------------------------------------------------------------------------------------------

struct OpInfo;
struct Call {
  const OpInfo& info;
  Tape& tape;
  std::span<const Var> in;  // one per OpInfo::inputs; absent ones are null Vars
  const Settings& settings;

  const Var& operator[](std::size_t i) const { return in[i]; }
  // The setting given, or its fallback. Throws Error(internal) when OpInfo::params has no such name of that type.
  double number(std::string_view name) const;
  // A number that must be whole and within [low, high]. Throws Error(input, "op.parameter") otherwise. All whole
  // numbers up to 2^53 are exact in a double.
  std::int64_t integer(std::string_view name, std::int64_t low = 0, std::int64_t high = std::int64_t{1} << 53) const;
  bool flag(std::string_view name) const;
  const std::string& text(std::string_view name) const;
};
using Outputs = Vars;  // an absent Var is an output that this call has not

struct OpInfo {
  std::string_view name;
  std::string_view formula;  // shapes, forward, backward, what is saved, stability, domain and kinks, source
  std::vector<Input> inputs;
  std::vector<Param> params = {};
  std::vector<Sample> samples;
  std::vector<ErrorCase> errors;
  Outputs (*apply)(const Call&);
  // The same function in naive or composed form; null where the op itself is as plain as can be.
  Outputs (*reference)(const Call&) = nullptr;
  std::vector<std::string_view> outputs = {"value"};
  // Fewest rows (samples) that a loss of codes of these widths can work on; null: 2.
  std::int64_t (*least_rows)(std::span<const std::int64_t> widths, const Settings& given) = nullptr;
  bool kinks = false;  // has points without a derivative: gradients are checked with a short two-point step
};

// Settings as text ("eps", "1e-5") to typed ones. Throws Error(usage) that names the nearest parameter, or the value
// and the type expected.
Setting parse_setting(const OpInfo& info, std::string_view name, std::string_view value);

// Makes the sample's inputs, records the call on `tape` and returns its outputs; `in` receives the input Vars
// (variables where the kind is real).
Outputs call(const OpInfo& info, Tape& tape, std::span<const Tensor> inputs, const Settings& settings,
             std::vector<Var>& in, bool reference = false);
std::vector<Tensor> make_inputs(const OpInfo& info, const Sample& sample, DType dtype);

}  // namespace triptych
