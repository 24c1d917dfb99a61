// Results go to standard output, everything else to standard error.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace triptych::app {

// The reader of standard output has gone away ("| head"): thrown by print, ends the program quietly.
struct PipeClosed {};

// Writes all of text to standard output at once. Throws PipeClosed, or Error(output, "output.stdout").
void print(std::string_view text);
void print_line(const nlohmann::ordered_json& object);  // as one line; text that is not UTF-8 gets replacement marks

// Writes text to standard error; a failure is nobody's concern.
void say(std::string_view text);

// Makes a closed pipe an error instead of a signal, and keeps files that are opened later off the numbers of a standard
// stream that was closed by the caller. First thing in main.
void prepare_streams();

std::string json_text(const nlohmann::ordered_json& object);

// text filled up to width with blanks on the right, or on the left.
std::string pad(std::string_view text, std::size_t width);
std::string pad_left(std::string_view text, std::size_t width);

// The shortest text that reads back as the same number; a point whatever the locale.
std::string number_text(double value);
std::string fixed_text(double value, int digits);        // "0.42"; "undefined" when not finite
std::string percents(double fraction);                   // "12.9 %"
std::string names(const std::vector<std::string>& all);  // "a, b and c"
// Two significant digits: "3.1e-11".
std::string short_text(double value);

}  // namespace triptych::app
