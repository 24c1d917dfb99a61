// Options that several commands share, and strict reading of their values: a number with anything behind it, in
// hexadecimal or out of range is refused (exit 2) with its value and the range.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace triptych::app {

// Adds an option with a value. `value` keeps what it held when the option is not given.
CLI::Option* add_integer(CLI::App& options, const std::string& name, std::int64_t& value, std::int64_t least,
                         std::int64_t most, const std::string& meaning);
CLI::Option* add_number(CLI::App& options, const std::string& name, double& value, double least, double most,
                        const std::string& meaning);
CLI::Option* add_choice(CLI::App& options, const std::string& name, std::string& value,
                        const std::vector<std::string>& choices, const std::string& meaning);
// A path or other text, which must not be empty.
CLI::Option* add_text(CLI::App& options, const std::string& name, std::string& value, const std::string& kind,
                      const std::string& meaning);
CLI::Option* add_json(CLI::App& options, bool& json);

// --threads: 0 stands for "not given".
CLI::Option* add_threads(CLI::App& options, std::int64_t& threads);
// Sets the threads of the cpu backend: the option, else OMP_NUM_THREADS (its first number), else one per processor.
// Throws Error(usage) when OMP_NUM_THREADS decides and is not a number from 1 to 1024. Results do not depend on it.
void use_threads(std::int64_t option);

// The whole text as a decimal integer in [least, most]. Throws Error(usage, "option.value") naming `name`.
std::int64_t parse_integer(std::string_view text, std::string_view name, std::int64_t least, std::int64_t most);
// The same for any finite number in decimal; with -any_number and any_number for no bounds.
inline constexpr double any_number = std::numeric_limits<double>::max();
double parse_number(std::string_view text, std::string_view name, double least, double most);

// Error(usage, code) for a word that is none of `known`: hints at the nearest one, or lists them all.
[[noreturn]] void refuse_unknown(const std::string& code, const std::string& kind, const std::string& word,
                                 const std::vector<std::string>& known);

}  // namespace triptych::app
