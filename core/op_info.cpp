#include "core/op_info.h"

#include <charconv>
#include <cmath>

#include "core/error.h"
#include "core/require.h"
#include "core/rng.h"

namespace triptych {
namespace {

double draw_value(const Draw& d, Rng& rng, std::int64_t i) {
  switch (d.law) {
    case Draw::Law::normal: return d.low + d.high * rng.normal();
    case Draw::Law::uniform: return rng.uniform(d.low, d.high);
    case Draw::Law::fill: return d.low;
    default: return d.values.at(static_cast<std::size_t>(i));
  }
}

// FNV-1a: a stream of its own for each (op, sample).
std::uint64_t stream_of(std::string_view op, std::string_view sample) {
  std::uint64_t h = 14695981039346656037ull;
  for (const std::string_view part : {op, std::string_view("/"), sample})
    for (const char c : part) h = (h ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  return h;
}

const Param& find(const OpInfo& info, std::string_view name) {
  for (const Param& p : info.params)
    if (p.name == name) return p;
  throw Error(Exit::internal, "op.parameter", "[" + std::string(info.name) + "] has no parameter " + std::string(name));
}

template <class T>
const T& typed(const Call& c, std::string_view name) {
  const Param& p = find(c.info, name);
  for (const auto& [key, value] : c.settings)
    if (key == name && std::holds_alternative<T>(value)) return std::get<T>(value);
  if (const T* fallback = std::get_if<T>(&p.fallback)) return *fallback;
  throw Error(Exit::internal, "op.parameter",
              "[" + std::string(c.info.name) + "] parameter " + std::string(name) + " has another type");
}

}  // namespace

double Call::number(std::string_view name) const { return typed<double>(*this, name); }
std::int64_t Call::integer(std::string_view name, std::int64_t low, std::int64_t high) const {
  const double value = number(name);
  require(value >= static_cast<double>(low) && value <= static_cast<double>(high) && value == std::floor(value),
          info.name, name, value, "a whole number from " + std::to_string(low) + " to " + std::to_string(high));
  return static_cast<std::int64_t>(value);
}
bool Call::flag(std::string_view name) const { return typed<bool>(*this, name); }
const std::string& Call::text(std::string_view name) const { return typed<std::string>(*this, name); }

Tensor make(const Draw& draw, const Input& input, DType dtype, std::uint64_t stream) {
  if (draw.law == Draw::Law::none) return {};
  Tensor t(draw.shape, input.kind == Kind::index ? DType::i32 : dtype);
  Rng rng(20260105, stream);
  for (std::int64_t i = 0; i < t.size(); ++i) t.set(i, draw_value(draw, rng, i));
  return t;
}

std::vector<Tensor> make_inputs(const OpInfo& info, const Sample& sample, DType dtype) {
  std::vector<Tensor> tensors(info.inputs.size());
  for (std::size_t i = 0; i < sample.inputs.size(); ++i)
    tensors[i] = make(sample.inputs[i], info.inputs[i], dtype, stream_of(info.name, sample.name) + i);
  return tensors;
}

Outputs call(const OpInfo& info, Tape& tape, std::span<const Tensor> inputs, const Settings& settings,
             std::vector<Var>& in, bool reference) {
  in.clear();
  for (std::size_t i = 0; i < info.inputs.size(); ++i) {
    if (i >= inputs.size() || !inputs[i])
      in.emplace_back();
    else
      in.push_back(info.inputs[i].kind == Kind::real ? tape.variable(inputs[i]) : tape.constant(inputs[i]));
  }
  const Call c{info, tape, in, settings};
  return reference ? info.reference(c) : info.apply(c);
}

Setting parse_setting(const OpInfo& info, std::string_view name, std::string_view value) {
  std::vector<std::string> names;
  for (const Param& p : info.params) names.emplace_back(p.name);
  for (const Param& p : info.params) {
    if (p.name != name) continue;
    const std::string text(value);
    const auto refuse = [&](const char* expected) -> Setting {
      throw Error(Exit::usage, "param.type",
                  std::string(info.name) + ": parameter " + std::string(name) + " = '" + escape_text(text) +
                      "' must be " + expected);
    };
    if (std::holds_alternative<std::string>(p.fallback)) return text;
    if (std::holds_alternative<bool>(p.fallback))
      return value == "true" ? Setting{true} : value == "false" ? Setting{false} : refuse("true or false");
    double number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    return error != std::errc{} || end != value.data() + value.size() || !std::isfinite(number)
               ? refuse("a finite number")
               : Setting{number};
  }
  throw Error(Exit::usage, "param.unknown", std::string(info.name) + " has no parameter '" + escape_text(name) + "'",
              {}, suggest(name, names));
}

}  // namespace triptych
