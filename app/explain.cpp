#include <CLI/CLI.hpp>
#include <memory>

#include "app/commands.h"
#include "app/options.h"
#include "app/registries.h"
#include "app/terminal.h"
#include "core/error.h"

namespace triptych::app {
namespace {

struct Options {
  std::string name;
  bool list = false;
};

std::string_view trimmed(std::string_view formula) {
  while (!formula.empty() && formula.front() == '\n') formula.remove_prefix(1);
  while (!formula.empty() && (formula.back() == '\n' || formula.back() == ' ')) formula.remove_suffix(1);
  return formula;
}

std::string list() {
  std::size_t width = 0;
  for (const Named& n : all_named()) width = std::max(width, n.info->name.size());
  std::string out;
  for (const auto& [kind, info] : all_named()) {
    std::string_view first = trimmed(info->formula);
    first = first.substr(0, first.find('\n'));
    const std::string heading = std::string(info->name) + ":";
    if (first.substr(0, heading.size()) == heading) first.remove_prefix(heading.size());
    first.remove_prefix(std::min(first.find_first_not_of(' '), first.size()));
    out += pad(kind, 9) + pad(info->name, width) + "  " + std::string(first) + "\n";
  }
  return out;
}

std::string input_lines(const OpInfo& info) {
  std::string out;
  for (const Input& i : info.inputs) {
    const char* kind = i.kind == Kind::real ? "differentiable" : i.kind == Kind::constant ? "constant" : "integers";
    out += "  " + pad(i.name, 16) + pad(i.shape, 20) + kind + (i.optional ? ", optional" : "") + "\n";
  }
  return out;
}

std::string param_lines(const OpInfo& info) {
  std::string out;
  for (const Param& p : info.params)
    out += "  " + pad(p.name, 16) + pad(setting_text(p.fallback), 20) + std::string(p.meaning) + "\n";
  return out;
}

std::string gradcheck_text(const Named& named) {
  std::int64_t checks = 0, samples = 0;
  double worst = 0;
  std::string failure;
  for (const Check& c : all_checks()) {
    if (std::string_view(c.kind) != named.kind || c.name != named.info->name) continue;
    const GradcheckResult r = c.run(cpu_kernels());
    ++samples;
    checks += r.checks;
    worst = std::max(worst, r.max_rel_error);
    if (!r.pass && failure.empty()) failure = c.sample + ": " + r.reason;
  }
  if (samples == 0) return "";
  return "Gradient check: " + (failure.empty() ? "pass" : "FAIL, sample " + failure) + ", max relative error " +
         short_text(worst) + " (tolerance " + short_text(GradcheckOptions{}.tolerance) + "), " +
         std::to_string(checks) + " checks in " + std::to_string(samples) + " samples\n";
}

std::string explain(const Named& named) {
  const OpInfo& info = *named.info;
  std::string out = std::string(trimmed(info.formula)) + "\n\nInputs\n" + input_lines(info);
  if (!info.params.empty()) out += "\nParameters (default)\n" + param_lines(info);
  out += "\nOutputs\n ";
  for (const std::string_view o : info.outputs) out += " " + std::string(o);
  return out + "\n\n" + gradcheck_text(named);
}

int run(const Options& o) {
  if (o.list == !o.name.empty())
    throw Error(Exit::usage, "explain.name", o.list ? "explain takes NAME or --list, not both" : "explain needs a NAME",
                {}, "'triptych explain --list' shows every name");
  if (o.list) return print(list()), 0;
  const std::vector<Named> found = find_named(o.name);
  use_threads(0);
  std::string out;
  for (const Named& named : found) out += (out.empty() ? "" : "\n") + explain(named);
  print(out);
  return 0;
}

std::function<int()> setup(CLI::App& options) {
  const auto o = std::make_shared<Options>();
  add_text(options, "NAME", o->name, "", "an op, loss, metric or surgery method");
  options.add_flag("--list", o->list, "every name, with its shapes");
  return [o] { return run(*o); };
}

}  // namespace

const Command explain_command{"explain",
                              "shows the formula, backward, shapes and source of an op, loss, metric or surgery method",
                              "triptych explain layer_norm\n"
                              "triptych explain --list",
                              setup};

}  // namespace triptych::app
