#include "app/compute.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/options.h"
#include "app/registries.h"
#include "app/terminal.h"
#include "core/error.h"
#include "data/npz.h"

namespace triptych::app {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string name, in, out, dtype = "float64";
  std::vector<std::string> params;
  bool grad = false, list = false, json = false;
  std::int64_t threads = 0, seed = -1;  // -1: not given
};

Json as_json(const Setting& setting) {
  return std::visit([](const auto& value) { return Json(value); }, setting);
}

Json listed(const Named& named) {
  constexpr const char* kinds[] = {"real", "constant", "index"};
  Json inputs = Json::array(), params = Json::array();
  for (const Input& i : named.info->inputs)
    inputs.push_back(
        {{"name", i.name}, {"shape", i.shape}, {"kind", kinds[static_cast<int>(i.kind)]}, {"optional", i.optional}});
  for (const Param& p : named.info->params)
    params.push_back({{"name", p.name}, {"default", as_json(p.fallback)}, {"meaning", p.meaning}});
  return {{"kind", named.kind},
          {"name", named.info->name},
          {"inputs", inputs},
          {"params", params},
          {"outputs", named.info->outputs}};
}

int list(bool json) {
  for (const Named& named : all_named()) {
    if (json) {
      print_line(listed(named));
      continue;
    }
    const OpInfo& info = *named.info;
    std::string line = std::string(info.name) + ": " + inputs_text(info);
    for (const Param& p : info.params) line += "; " + std::string(p.name) + " (" + setting_text(p.fallback) + ")";
    line += "  ->";
    for (const std::string_view o : info.outputs) line += " " + std::string(o);
    print(line + "\n");
  }
  return 0;
}

// Throws Error(usage) for what can be seen to be wrong before anything is read.
void check(const Options& o) {
  const auto refuse = [](const char* code, const std::string& message, const std::string& hint) {
    throw Error(Exit::usage, code, "compute: " + message, {}, hint);
  };
  if (o.name.empty()) refuse("compute.name", "a NAME is needed", "'triptych compute --list' shows every name");
  if (o.in.empty())
    refuse("compute.in", "--in FILE.npz is needed", "'triptych explain " + o.name + "' shows the inputs");
  if (o.out.empty()) refuse("compute.out", "--out FILE.npz is needed", "name the file that receives the result");
  std::error_code ignored;
  if (o.in == o.out || std::filesystem::equivalent(o.in, o.out, ignored))
    refuse("compute.same-file", "--in and --out are the same file, " + escape_text(o.in, 4096),
           "give the result another name");
}

void report(const Options& o, const data::NamedArrays& result) {
  Json outputs = Json::array();
  std::string text;
  for (const auto& [name, array] : result) {
    Json output = {{"name", name}, {"dtype", data::dtype_name(array.dtype)}, {"shape", array.shape}};
    text += pad(name, 16) + "  " + data::shape_text(array.shape);
    if (array.shape.empty()) {
      const double value = data::to_doubles(array)[0];
      output["value"] = value;
      text += "  " + number_text(value);
    }
    outputs.push_back(std::move(output));
    text += "\n";
  }
  if (o.json) return print_line({{"name", o.name}, {"file", o.out}, {"outputs", outputs}});
  print(text);
  say("wrote " + escape_text(o.out, 4096) + "\n");
}

// Of functions that share a name, the one that has the first member of the file as an input; else the first.
const OpInfo& taking(const std::vector<Named>& found, const data::NamedArrays& members) {
  for (const auto& [kind, info] : found)
    for (const Input& i : info->inputs)
      if (!members.empty() && i.name == members[0].first) return *info;
  return *found[0].info;
}

// --seed N is --param seed=N, for any function that draws.
std::vector<std::string> params_of(const Options& o, const OpInfo& info) {
  std::vector<std::string> params = o.params;
  if (o.seed < 0) return params;
  if (std::none_of(info.params.begin(), info.params.end(), [](const Param& p) { return p.name == "seed"; }))
    throw Error(Exit::usage, "compute.seed", "compute: " + o.name + " draws nothing", {}, "leave --seed out");
  params.push_back("seed=" + std::to_string(o.seed));
  return params;
}

int run(const Options& o) {
  if (o.list) return list(o.json);
  const std::vector<Named> found = o.name.empty() ? std::vector<Named>{} : find_named(o.name);
  check(o);
  const OpInfo& first = *found[0].info;  // functions that share a name have no parameters
  const Params params = read_params(first, params_of(o, first));
  use_threads(o.threads);
  const data::NamedArrays members = data::read_npz(o.in);
  const Request request{taking(found, members), params, o.grad, o.dtype == "float64" ? DType::f64 : DType::f32};
  const data::NamedArrays result = compute(request, members, o.in);
  data::write_npz(o.out, result);
  report(o, result);
  return 0;
}

std::function<int()> setup(CLI::App& options) {
  const auto o = std::make_shared<Options>();
  add_text(options, "NAME", o->name, "",
           "an op, loss, metric or surgery method; its inputs are members of the --in file");
  add_text(options, "--in", o->in, "FILE.npz", "the inputs, each under its name");
  add_text(options, "--out", o->out, "FILE.npz", "receives the outputs");
  options.add_flag("--grad", o->grad,
                   "also grad_INPUT for every differentiable input; the member 'upstream' of the "
                   "--in file is the gradient of the first output (default 1)");
  options.add_option("--param", o->params, "a parameter or a scalar input; may be repeated")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  add_integer(options, "--seed", o->seed, 0, std::int64_t{1} << 53, "of what the function draws: --param seed=N");
  add_choice(options, "--dtype", o->dtype, {"float64", "float32"}, "numbers to compute with (default: float64)");
  options.add_flag("--list", o->list, "every name with its inputs, parameters (default) and outputs");
  add_json(options, o->json);
  add_threads(options, o->threads);
  return [o] { return run(*o); };
}

}  // namespace

const Command compute_command{"compute", "evaluates an op, loss, metric or surgery method on arrays of your own",
                              "triptych compute layer_norm --in in.npz --out out.npz\n"
                              "triptych compute layer_norm --in in.npz --param eps=1e-3 --grad --out out.npz\n"
                              "triptych compute --list",
                              setup};

}  // namespace triptych::app
