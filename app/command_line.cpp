#include "app/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "app/commands.h"
#include "app/help.h"
#include "app/options.h"
#include "app/terminal.h"
#include "core/error.h"

namespace triptych::app {
namespace {

using Words = std::vector<std::string>;

// Why CLI11 refused the words, in ours: it names what is left over, but neither the place nor the nearest name.
[[noreturn]] void refuse(const CLI::App& command, const Words& args, const std::string& reason) {
  const std::string name = command.get_name(), see = "see 'triptych help " + name + "'";
  Words known;
  for (const CLI::Option* o : command.get_options())
    for (const std::string& long_name : o->get_lnames()) known.push_back("--" + long_name);
  for (const std::string& word : args) {
    if (word == "--") break;
    if (word.size() < 2 || word[0] != '-') continue;
    const std::string option = word[1] == '-' ? word.substr(0, word.find('=')) : word.substr(0, 2);
    if (command.get_option_no_throw(option) != nullptr) continue;
    const std::string close = nearest(option, known);
    throw Error(Exit::usage, "option.unknown", name + " has no option " + escape_text(option, 64), {},
                close.empty() ? see : "did you mean " + close + "?");
  }
  const Words left = command.remaining();
  if (!left.empty()) {
    const CLI::Option* out = command.get_option_no_throw("--out");
    const bool resumed = std::find(args.begin(), args.end(), "--resume") != args.end();
    throw Error(
        Exit::usage, "argument.extra", name + ": unexpected argument '" + escape_text(left[0], 64) + "'", {},
        resumed && out != nullptr && out->count() == 0 ? "did you mean --out " + escape_text(left[0], 64) + "?" : see);
  }
  // "--threads: 1 required N missing"
  const std::size_t missing = reason.find(": 1 required");
  throw Error(
      Exit::usage, "usage",
      name + ": " +
          (missing == std::string::npos ? escape_text(reason, 200) : reason.substr(0, missing) + " needs a value"),
      {}, see);
}

std::function<int()> show(std::string text) {
  return [text = std::move(text)] { return print(text), 0; };
}

// args: what follows the command's name.
std::function<int()> read_command(const Command& command, const Words& args) {
  // Lives as long as the function returned: the options write into it.
  const auto program = std::make_shared<CLI::App>(command.summary, command.name);
  CLI::App& options = *program;
  options.formatter(help_formatter());
  options.footer(command.examples);
  options.set_help_flag();
  std::function<int()> run = command.setup(options);
  options.set_help_flag("-h,--help", "show this text");  // after the command's own: the list starts with these
  try {
    options.parse(Words(args.rbegin(), args.rend()));  // CLI11 takes them last first
  } catch (const CLI::CallForHelp&) {
    return show(options.help());
  } catch (const CLI::ParseError& error) {
    refuse(options, args, error.what());
  }
  return [program, run = std::move(run)] { return run(); };
}

}  // namespace

std::function<int()> read_command_line(const Words& args) {
  if (args.empty()) return [] { return say(overview()), static_cast<int>(Exit::usage); };
  const std::string& first = args[0];
  if (first == "--version") return show("triptych " TRIPTYCH_VERSION "\n");
  const bool help = first == "help";
  if (first == "-h" || first == "--help" || (help && args.size() == 1)) return show(overview());

  const std::string& name = help ? args[1] : first;
  Words known = {"help", "--help", "--version"};
  for (const Command* c : all_commands()) {
    if (name == c->name) return read_command(*c, help ? Words{"--help"} : Words(args.begin() + 1, args.end()));
    known.emplace_back(c->name);
  }
  if (name[0] != '-') known.erase(known.begin() + 1, known.begin() + 3);
  refuse_unknown("command.unknown", name[0] == '-' ? "option" : "command", name, known);
}

}  // namespace triptych::app
