#include <CLI/CLI.hpp>
#include <memory>

#include "app/commands.h"
#include "app/options.h"
#include "app/structure.h"
#include "app/tape_listing.h"
#include "app/terminal.h"
#include "core/error.h"

namespace triptych::app {
namespace {

struct Options {
  StructureOptions structure;
  std::int64_t threads = 0;
  bool dot = false, html = false, json = false;
};

int run(const Options& o) {
  if (o.dot + o.html + o.json > 1)
    throw Error(Exit::usage, "tape.form", "tape: --dot, --html and --json exclude each other", {}, "give one of them");
  use_threads(o.threads);
  const Structure s = open_structure(o.structure, DType::f32, 0);
  for (const std::string& n : s.notices) say("warning: " + n + "\n");
  const TapeListing tape = list_tape(s);
  print(o.dot ? tape_dot(tape) : o.html ? tape_html(tape) : o.json ? tape_json(tape) : tape_text(tape));
  return 0;
}

std::function<int()> setup(CLI::App& options) {
  const auto o = std::make_shared<Options>();
  add_structure(options, o->structure);
  options.add_flag("--dot", o->dot, "print it for Graphviz");
  options.add_flag("--html", o->html, "print one page that opens offline");
  add_json(options, o->json);
  add_threads(options, o->threads);
  return [o] { return run(*o); };
}

}  // namespace

const Command tape_command{"tape", "prints the tape of one training step: node, op, shape, bytes, who feeds whom",
                           "triptych tape --scheme shared-private\n"
                           "triptych tape --scheme query-banks+shared-private --dot | dot -Tsvg > tape.svg\n"
                           "triptych tape runs/demo --html > tape.html",
                           setup};

}  // namespace triptych::app
