#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/audit_text.h"
#include "app/commands.h"
#include "app/options.h"
#include "app/structure.h"
#include "app/terminal.h"
#include "core/error.h"

namespace triptych::app {
namespace {

constexpr std::int64_t items = 8;  // of a run's batch: structure does not need more

struct Options {
  StructureOptions structure;
  std::int64_t threads = 0;
  bool json = false;
};

int run(const Options& o) {
  use_threads(o.threads);
  const Structure s = open_structure(o.structure, DType::f64, items);
  for (const std::string& n : s.notices) say("warning: " + n + "\n");
  std::vector<std::string> modalities;
  for (const ModalitySpec& m : s.model->config().modalities) modalities.push_back(m.name);
  const std::vector<SituationAudit> audits = audit_model(*s.model, s.batch);
  if (o.json)
    print_line(audit_json(modalities, audits));
  else
    print(audit_text(s.title, modalities, audits));
  const bool leaks = std::any_of(audits.begin(), audits.end(), [](const SituationAudit& a) { return a.audit.leaks(); });
  return static_cast<int>(leaks ? Exit::check_failed : Exit::ok);
}

std::function<int()> setup(CLI::App& options) {
  const auto o = std::make_shared<Options>();
  add_structure(options, o->structure);
  add_json(options, o->json);
  add_threads(options, o->threads);
  return [o] { return run(*o); };
}

}  // namespace

const Command audit_command{
    "audit", "tells which modalities each code can see; exit status 1 if a private code sees a foreign one",
    "triptych audit --scheme typed-slots\n"
    "triptych audit --scheme typed-slots --set typed_slots.soft=true\n"
    "triptych audit runs/demo --json",
    setup};

}  // namespace triptych::app
