#include "core/gradcheck.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/options.h"
#include "app/registries.h"
#include "app/terminal.h"
#include "core/error.h"

namespace triptych::app {
namespace {

struct Options {
  std::map<std::string, std::vector<std::string>> wanted;  // by kind
  std::string backend = "cpu";
  bool all = false, json = false;
  std::int64_t threads = 0;
};

// The checks asked for; all of them when none is named. Throws Error(usage) for a name without checks.
std::vector<Check> choose(const Options& o) {
  std::vector<Check> checks = all_checks();
  bool named = false;
  for (const auto& [kind, names] : o.wanted) {
    std::vector<std::string> known;
    for (const Check& c : checks)
      if (c.kind == kind && (known.empty() || known.back() != c.name)) known.push_back(c.name);
    for (const std::string& name : names) {
      named = true;
      if (std::find(known.begin(), known.end(), name) != known.end()) continue;
      for (const Check& c : checks)
        if (c.name == name)
          throw Error(Exit::usage, "name.unknown", "'" + name + "' is not a checked " + kind, {},
                      std::string("--") + c.kind + " " + name);
      refuse_unknown("name.unknown", kind, name, known);
    }
  }
  if (!named) return checks;
  if (o.all)
    throw Error(Exit::usage, "gradcheck.all", "gradcheck: --all and a named check contradict each other", {},
                "leave one of them out");
  std::erase_if(checks, [&](const Check& c) {
    const auto& names = o.wanted.at(c.kind);
    return std::find(names.begin(), names.end(), c.name) == names.end();
  });
  return checks;
}

// Writes one line a check as it ends, so that a long list shows where it is.
class Report {
 public:
  Report(const std::vector<Check>& checks, bool json) : json_(json) {
    for (const Check& c : checks) {
      name_width_ = std::max(name_width_, c.name.size());
      sample_width_ = std::max(sample_width_, c.sample.size());
    }
    if (!json) row("kind", "name", "sample", "checks", "max rel error", "tolerance", "");
  }

  void add(const Check& c, const GradcheckResult& r, double tolerance) {
    ++total_;
    failed_ += r.pass ? 0 : 1;
    checks_ += r.checks;
    worst_ = std::max(worst_, r.max_rel_error);
    if (json_) {
      nlohmann::ordered_json line = {{"kind", c.kind},
                                     {"name", c.name},
                                     {"sample", c.sample},
                                     {"checks", r.checks},
                                     {"max_rel_error", r.max_rel_error},
                                     {"tolerance", tolerance},
                                     {"pass", r.pass}};
      if (!r.pass) line["reason"] = r.reason;
      return print_line(line);
    }
    row(c.kind, c.name, c.sample, std::to_string(r.checks), short_text(r.max_rel_error), short_text(tolerance),
        r.pass ? "pass" : "FAIL: " + r.reason);
  }

  Exit finish() {
    if (json_)
      print_line({{"total", total_}, {"failed", failed_}, {"max_rel_error", worst_}, {"checks", checks_}});
    else
      print("\n" + std::to_string(total_) + " samples, " + std::to_string(failed_) + " failed, " +
            std::to_string(checks_) + " checks, max relative error " + short_text(worst_) + "\n");
    return failed_ == 0 ? Exit::ok : Exit::check_failed;
  }

 private:
  void row(std::string_view kind, std::string_view name, std::string_view sample, std::string_view checks,
           std::string_view error, std::string_view tolerance, std::string_view verdict) const {
    std::string line = pad(kind, 7) + "  " + pad(name, name_width_) + "  " + pad(sample, sample_width_) + "  " +
                       pad_left(checks, 6) + "  " + pad_left(error, 13) + "  " + pad_left(tolerance, 9);
    if (!verdict.empty()) line += "  " + std::string(verdict);
    print(line + "\n");
  }

  bool json_;
  std::size_t name_width_ = 4, sample_width_ = 6;
  std::int64_t total_ = 0, failed_ = 0, checks_ = 0;
  double worst_ = 0;
};

int run(const Options& o) {
  const std::vector<Check> checks = choose(o);
  use_threads(o.threads);
  const Kernels& kernels = o.backend == "reference" ? reference_kernels() : cpu_kernels();
  Report report(checks, o.json);
  for (const Check& c : checks) report.add(c, c.run(kernels), GradcheckOptions{}.tolerance);
  return static_cast<int>(report.finish());
}

std::function<int()> setup(CLI::App& options) {
  const auto o = std::make_shared<Options>();
  options.add_flag("--all", o->all, "every op, loss, surgery method and scheme (default)");
  for (const std::string kind : {"op", "loss", "surgery", "scheme"})
    options.add_option("--" + kind, o->wanted[kind], "only this " + kind + "; may be repeated")
        ->type_name("NAME")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  add_json(options, o->json);
  add_choice(options, "--backend", o->backend, {"reference", "cpu"}, "kernels to check (default: cpu)");
  add_threads(options, o->threads);
  return [o] { return run(*o); };
}

}  // namespace

const Command gradcheck_command{"gradcheck",
                                "compares every gradient with finite differences; exit status 1 if one is off",
                                "triptych gradcheck\n"
                                "triptych gradcheck --op layer_norm\n"
                                "triptych gradcheck --all --json",
                                setup};

}  // namespace triptych::app
