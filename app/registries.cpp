#include "app/registries.h"

#include <algorithm>

#include "app/options.h"
#include "app/terminal.h"
#include "losses/registry.h"
#include "metrics/registry.h"
#include "models/checks.h"
#include "ops/registry.h"
#include "optim/registry.h"

namespace triptych::app {

const std::vector<Named>& all_named() {
  static const std::vector<Named> list = [] {
    std::vector<Named> all;
    for (const OpInfo* op : all_ops()) all.push_back({"op", op});
    for (const OpInfo* loss : all_losses()) all.push_back({"loss", loss});
    for (const OpInfo* metric : all_metrics()) all.push_back({"metric", metric});
    for (const OpInfo* method : all_surgery()) all.push_back({"surgery", method});
    return all;
  }();
  return list;
}

std::vector<Named> find_named(const std::string& name) {
  std::vector<Named> found;
  std::vector<std::string> known;
  for (const Named& n : all_named()) {
    if (n.info->name == name) found.push_back(n);
    known.emplace_back(n.info->name);
  }
  if (!found.empty()) return found;
  refuse_unknown("name.unknown", "name", name, known);
}

std::string inputs_text(const OpInfo& info) {
  std::string out;
  for (const Input& i : info.inputs)
    out += (out.empty() ? "" : ", ") + std::string(i.name) + " " + std::string(i.shape) +
           (i.optional ? " [optional]" : "");
  return out;
}

std::string setting_text(const Setting& setting) {
  if (const double* number = std::get_if<double>(&setting)) return number_text(*number);
  if (const bool* flag = std::get_if<bool>(&setting)) return *flag ? "true" : "false";
  return std::get<std::string>(setting);
}

std::vector<Check> all_checks() {
  std::vector<Check> checks;
  for (const auto& [kind, info] : all_named()) {
    if (std::none_of(info->inputs.begin(), info->inputs.end(), [](const Input& i) { return i.kind == Kind::real; }))
      continue;  // no gradient to check
    for (const Sample& sample : info->samples)
      checks.push_back({kind, std::string(info->name), std::string(sample.name),
                        [info = info, &sample](const Kernels& k) { return gradcheck(*info, sample, k); }});
  }
  for (const SchemeCheck& check : scheme_checks())
    checks.push_back({"scheme", check.scheme, check.sample, [check](const Kernels& k) { return run(check, k); }});
  return checks;
}

}  // namespace triptych::app
