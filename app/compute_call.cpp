#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "app/compute.h"
#include "app/options.h"
#include "app/registries.h"
#include "core/error.h"

namespace triptych::app {
namespace {

constexpr std::string_view upstream_name = "upstream";

// Number of axes a pattern such as "(..., d)" asks for; nothing for a pattern in other words.
struct Rank {
  std::int64_t least;
  bool more;
};
std::optional<Rank> rank_of(std::string_view pattern) {
  if (pattern.size() < 2 || pattern.front() != '(' || pattern.find(')') != pattern.size() - 1) return {};
  const std::string_view inside = pattern.substr(1, pattern.size() - 2);
  const bool more = inside.find("...") != std::string_view::npos;
  const std::int64_t names = inside.empty() ? 0 : 1 + std::count(inside.begin(), inside.end(), ',');
  return Rank{names - (more ? 1 : 0), more};
}

bool is_scalar(const Input& input) { return input.shape == "()" && input.kind != Kind::index; }

std::string takes(const OpInfo& info) { return std::string(info.name) + " takes " + inputs_text(info); }

Tensor to_tensor(const data::Array& array, DType dtype, const std::string& file, const std::string& name) {
  if (array.shape.size() > Shape::max_rank)
    reject_input("compute.rank", file, "member '" + name + "'",
                 data::shape_text(array.shape) + " has more than " + std::to_string(Shape::max_rank) + " axes");
  const Shape shape{std::span<const std::int64_t>(array.shape)};
  if (dtype == DType::i32) {
    std::vector<std::int32_t> values;
    for (const std::int64_t v : data::to_int64s(array, file, name)) {
      if (v < std::numeric_limits<std::int32_t>::min() || v > std::numeric_limits<std::int32_t>::max())
        reject_input("compute.index", file, "member '" + name + "'",
                     std::to_string(v) + " does not fit a 32-bit integer");
      values.push_back(static_cast<std::int32_t>(v));
    }
    return Tensor::from(shape, values);
  }
  data::require_finite(array, file, name);
  if (dtype == DType::f32) return Tensor::from(shape, data::to_floats(array, file, name), dtype);
  return Tensor::from(shape, data::to_doubles(array), dtype);
}

data::Array to_array(const Tensor& t) {
  const auto sizes = t.shape().sizes();
  data::Shape shape(sizes.begin(), sizes.end());
  const auto n = static_cast<std::size_t>(t.size());
  switch (t.dtype()) {
    case DType::f64: return data::make_array(std::move(shape), std::span<const double>(t.data<double>(), n));
    case DType::f32: return data::make_array(std::move(shape), std::span<const float>(t.data<float>(), n));
    default: return data::make_array(std::move(shape), std::span<const std::int32_t>(t.data<std::int32_t>(), n));
  }
}

const data::Array* find(const data::NamedArrays& members, std::string_view name) {
  for (const auto& [key, array] : members)
    if (key == name) return &array;
  return nullptr;
}

void refuse_unknown_members(const OpInfo& info, const data::NamedArrays& members, const std::string& file) {
  std::vector<std::string> known{std::string(upstream_name)};
  for (const Input& i : info.inputs) known.emplace_back(i.name);
  for (const auto& [name, array] : members) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const std::string close = nearest(name, known);
    reject_input("compute.member", file, "member '" + escape_text(name) + "'",
                 "is not an input of " + std::string(info.name),
                 (close.empty() ? "" : "did you mean '" + close + "'? ") + takes(info));
  }
}

Tensor read_input(const Request& request, const Input& input, const data::NamedArrays& members,
                  const std::string& file) {
  const std::string name(input.name), place = "member '" + name + "'";
  const DType dtype = input.kind == Kind::index ? DType::i32 : request.dtype;
  const data::Array* array = find(members, name);
  for (const auto& [key, value] : request.params.scalars) {
    if (key != name) continue;
    if (array != nullptr)
      throw Error(Exit::usage, "compute.twice",
                  escape_text(file, 4096) + ": " + place + " is there, and --param " + name + " is given too", file,
                  "leave one of them out");
    return Tensor::scalar(value, dtype);
  }
  if (array == nullptr && input.optional) return {};
  const std::string pattern(input.shape);
  if (array == nullptr)
    reject_input("compute.member", file, place, "is missing; expected " + name + " " + pattern, takes(request.info));
  const std::optional<Rank> rank = rank_of(input.shape);
  const auto axes = static_cast<std::int64_t>(array->shape.size());
  if (rank && (axes < rank->least || (axes > rank->least && !rank->more)))
    reject_input("compute.rank", file, place,
                 "shape " + data::shape_text(array->shape) + " must have the pattern " + pattern, takes(request.info));
  return to_tensor(*array, dtype, file, name);
}

// The function's own errors know neither the file nor that parameters come from the command line.
[[noreturn]] void rethrow_as_ours(const Error& error, const std::string& file, const OpInfo& info) {
  const std::string hint = error.hint.empty() ? takes(info) : error.hint;
  if (error.code == "op.parameter" && error.exit == Exit::input)
    throw Error(Exit::usage, error.code, error.what(), {}, "see 'triptych explain " + std::string(info.name) + "'");
  if (error.exit != Exit::input || !error.file.empty()) throw error;
  reject_input(error.code, file, "", error.what(), hint);
}

void add(data::NamedArrays& result, const std::string& name, const Tensor& t, const Request& request) {
  data::Array array = to_array(t);
  const data::NonFinite bad = data::find_non_finite(array);
  if (bad.nan + bad.inf > 0)
    throw Error(Exit::numerical, "compute.non-finite",
                std::string(request.info.name) + ": " + name + " " + t.shape().text() + " holds " +
                    std::to_string(bad.nan) + " NaN and " + std::to_string(bad.inf) + " Inf; nothing was written",
                {},
                request.dtype == DType::f32 ? "try --dtype float64, or inputs of smaller size"
                                            : "the inputs are outside the domain of the function");
  result.emplace_back(name, std::move(array));
}

void add_gradients(data::NamedArrays& result, const Request& request, Tape& tape, const Outputs& out,
                   const std::vector<Var>& in, const data::NamedArrays& members, const std::string& file) {
  const OpInfo& info = request.info;
  const auto y = std::find_if(out.begin(), out.end(), [](const Var& v) { return v.requires_grad(); });
  if (y == out.end())
    throw Error(Exit::usage, "compute.grad", std::string(info.name) + " has no differentiable input", {},
                "leave --grad out");
  Tensor upstream = Tensor::full(y->shape(), y->dtype(), 1);
  if (const data::Array* given = find(members, upstream_name)) {
    const Tensor t = to_tensor(*given, y->dtype(), file, std::string(upstream_name));
    if (t.shape() == Shape{})
      upstream = Tensor::full(y->shape(), y->dtype(), t.item());
    else if (t.shape() == y->shape())
      upstream = t;
    else
      reject_input("compute.upstream", file, "member 'upstream'",
                   "shape " + t.shape().text() + " must be that of the output, " + y->shape().text() + ", or ()");
  }
  std::vector<Var> wrt;
  for (const Var& v : in)
    if (v && v.requires_grad()) wrt.push_back(v);
  const Gradients g = tape.gradients(*y, wrt, upstream);
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (!in[i] || !in[i].requires_grad()) continue;
    const Tensor& t = g[in[i]];
    add(result, "grad_" + std::string(info.inputs[i].name), t ? t : Tensor::zeros(in[i].shape(), in[i].dtype()),
        request);
  }
}

}  // namespace

Params read_params(const OpInfo& info, const std::vector<std::string>& words) {
  std::vector<std::string> known, seen;
  for (const Param& p : info.params) known.emplace_back(p.name);
  for (const Input& i : info.inputs)
    if (is_scalar(i)) known.emplace_back(i.name);
  Params params;
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0)
      throw Error(Exit::usage, "param.form", "--param '" + escape_text(word, 64) + "' must be KEY=VALUE", {},
                  known.empty() ? std::string(info.name) + " takes none" : "as in --param " + known[0] + "=VALUE");
    const std::string key = word.substr(0, equals), value = word.substr(equals + 1);
    if (std::find(known.begin(), known.end(), key) == known.end())
      refuse_unknown("param.unknown", "parameter of " + std::string(info.name), key, known);
    if (std::find(seen.begin(), seen.end(), key) != seen.end())
      throw Error(Exit::usage, "param.twice", "--param " + key + " is given twice", {}, "leave one of them out");
    seen.push_back(key);
    const bool setting =
        std::any_of(info.params.begin(), info.params.end(), [&](const Param& p) { return p.name == key; });
    if (setting)
      params.settings.emplace_back(key, parse_setting(info, key, value));
    else
      params.scalars.emplace_back(key, parse_number(value, "--param " + key, -any_number, any_number));
  }
  return params;
}

data::NamedArrays compute(const Request& request, const data::NamedArrays& members, const std::string& file) {
  const OpInfo& info = request.info;
  refuse_unknown_members(info, members, file);
  std::vector<Tensor> inputs;
  for (const Input& i : info.inputs) inputs.push_back(read_input(request, i, members, file));
  Tape tape(cpu_kernels());
  std::vector<Var> in;
  data::NamedArrays result;
  try {
    const Outputs out = call(info, tape, inputs, request.params.settings, in);
    for (std::size_t k = 0; k < out.size(); ++k)
      if (out[k]) add(result, std::string(info.outputs[k]), out[k].value(), request);
    if (request.grad) add_gradients(result, request, tape, out, in, members, file);
  } catch (const Error& error) {
    rethrow_as_ours(error, file, info);
  }
  return result;
}

}  // namespace triptych::app
