#include "app/options.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <thread>

#include "app/terminal.h"
#include "backends/backend.h"
#include "core/error.h"

namespace triptych::app {
namespace {

constexpr std::int64_t most_threads = 1024;

[[noreturn]] void refuse_value(std::string_view name, std::string_view text, const std::string& expected) {
  throw Error(Exit::usage, "option.value", std::string(name) + ": '" + escape_text(text, 64) + "' must be " + expected,
              {}, "'triptych help COMMAND' shows every option with its meaning");
}

template <class T>
bool parse_whole(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

std::int64_t parse_integer(std::string_view text, std::string_view name, std::int64_t least, std::int64_t most) {
  std::int64_t value = 0;
  if (!parse_whole(text, value) || value < least || value > most)
    refuse_value(name, text, "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  return value;
}

double parse_number(std::string_view text, std::string_view name, double least, double most) {
  double value = 0;
  if (!parse_whole(text, value) || !std::isfinite(value) || value < least || value > most)
    refuse_value(
        name, text,
        most == any_number ? "a finite number" : "a number from " + number_text(least) + " to " + number_text(most));
  return value;
}

CLI::Option* add_integer(CLI::App& options, const std::string& name, std::int64_t& value, std::int64_t least,
                         std::int64_t most, const std::string& meaning) {
  const auto read = [&value, name, least, most](const std::string& text) {
    value = parse_integer(text, name, least, most);
  };
  return options.add_option_function<std::string>(name, read, meaning)->type_name("N");
}

CLI::Option* add_number(CLI::App& options, const std::string& name, double& value, double least, double most,
                        const std::string& meaning) {
  const auto read = [&value, name, least, most](const std::string& text) {
    value = parse_number(text, name, least, most);
  };
  return options.add_option_function<std::string>(name, read, meaning)->type_name("X");
}

CLI::Option* add_choice(CLI::App& options, const std::string& name, std::string& value,
                        const std::vector<std::string>& choices, const std::string& meaning) {
  std::string kind;
  for (const std::string& c : choices) kind += (kind.empty() ? "" : "|") + c;
  const auto read = [&value, name, choices](const std::string& text) {
    if (std::find(choices.begin(), choices.end(), text) == choices.end())
      refuse_unknown("option.value", "value for " + name, text, choices);
    value = text;
  };
  return options.add_option_function<std::string>(name, read, meaning)->type_name(kind);
}

CLI::Option* add_text(CLI::App& options, const std::string& name, std::string& value, const std::string& kind,
                      const std::string& meaning) {
  const auto read = [&value, name](const std::string& text) {
    if (text.empty()) refuse_value(name, text, "something that is not empty");
    value = text;
  };
  return options.add_option_function<std::string>(name, read, meaning)->type_name(kind);
}

CLI::Option* add_json(CLI::App& options, bool& json) {
  return options.add_flag("--json", json, "print JSON, one object a line; errors too");
}

CLI::Option* add_threads(CLI::App& options, std::int64_t& threads) {
  return add_integer(options, "--threads", threads, 1, most_threads,
                     "threads (default: OMP_NUM_THREADS, else one per processor); the results are the same for any");
}

void use_threads(std::int64_t option) {
  const char* variable = std::getenv("OMP_NUM_THREADS");
  if (option == 0 && variable != nullptr && *variable != '\0') {
    const std::string_view text(variable);  // a list gives one number per nesting level
    option = parse_integer(text.substr(0, text.find(',')), "environment variable OMP_NUM_THREADS", 1, most_threads);
  }
  if (option == 0) option = std::max(1u, std::thread::hardware_concurrency());
  set_threads(static_cast<int>(option));
}

void refuse_unknown(const std::string& code, const std::string& kind, const std::string& word,
                    const std::vector<std::string>& known) {
  constexpr std::size_t most_listed = 12;
  throw Error(Exit::usage, code, "unknown " + kind + " '" + escape_text(word, 64) + "'", {},
              suggest(word, known, most_listed));
}

}  // namespace triptych::app
