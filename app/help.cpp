#include "app/help.h"

#include <CLI/CLI.hpp>

#include "app/commands.h"
#include "app/terminal.h"

namespace triptych::app {
namespace {

std::string indented(const std::string& lines) {
  std::string out = "  ";
  for (const char c : lines) out += c == '\n' ? std::string("\n  ") : std::string(1, c);
  return out + "\n";
}

class ExamplesFirst : public CLI::Formatter {
 public:
  ExamplesFirst() {
    column_width(26);
    label("Positionals", "Arguments");
    label("REQUIRED", "");
  }

  std::string make_help(const CLI::App* app, std::string, CLI::AppFormatMode mode) const override {
    const std::string name = "triptych " + app->get_name();
    return name + ": " + app->get_description() + "\n\nExamples:\n" + indented(app->get_footer()) + "\n" +
           make_usage(app, name) + make_positionals(app) + make_groups(app, mode);
  }
};

}  // namespace

std::string overview() {
  std::string out =
      "triptych " TRIPTYCH_VERSION
      ": learns what paired modalities share and what is private to each\n\nUsage: triptych COMMAND [OPTIONS]\n\n"
      "Commands:\n";
  for (const Command* c : all_commands()) out += "  " + pad(c->name, 12) + c->summary + "\n";
  return out + "\n'triptych help COMMAND' shows examples and options; 'triptych --version' the version.\n";
}

std::shared_ptr<CLI::FormatterBase> help_formatter() { return std::make_shared<ExamplesFirst>(); }

}  // namespace triptych::app
