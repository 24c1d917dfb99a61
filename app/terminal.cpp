#include "app/terminal.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <csignal>
#include <cstring>
#include <nlohmann/json.hpp>

#include "core/error.h"

namespace triptych::app {
namespace {

// 0, or the errno of the write that failed.
int write_all(int stream, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(stream, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return 0;
}

}  // namespace

void print(std::string_view text) {
  const int failure = write_all(STDOUT_FILENO, text);
  if (failure == EPIPE) throw PipeClosed{};
  if (failure != 0)
    throw Error(Exit::output, "output.stdout",
                "standard output: the result could not be written: " + std::string(std::strerror(failure)), {},
                "send the output to a file on a disk with room, or to a terminal");
}

void print_line(const nlohmann::ordered_json& object) { print(json_text(object) + "\n"); }

void say(std::string_view text) { write_all(STDERR_FILENO, text); }

void prepare_streams() {
  std::signal(SIGPIPE, SIG_IGN);
  // Read-only, so that writing to a stream that was closed still fails.
  for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; ++stream)
    if (::fcntl(stream, F_GETFD) < 0) ::open("/dev/null", O_RDONLY);
}

std::string json_text(const nlohmann::ordered_json& object) {
  return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string pad(std::string_view text, std::size_t width) {
  return std::string(text) + std::string(width > text.size() ? width - text.size() : 0, ' ');
}

std::string pad_left(std::string_view text, std::size_t width) {
  return std::string(width > text.size() ? width - text.size() : 0, ' ') + std::string(text);
}

std::string number_text(double value) {
  char buffer[32];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr};
}

std::string fixed_text(double value, int digits) {
  if (!std::isfinite(value)) return "undefined";
  char buffer[400];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed, digits);
  return error == std::errc{} ? std::string(buffer, end) : number_text(value);
}

std::string percents(double fraction) { return fixed_text(100 * fraction, 1) + " %"; }

std::string names(const std::vector<std::string>& all) {
  std::string text;
  for (std::size_t i = 0; i < all.size(); ++i) text += (i == 0 ? "" : i + 1 == all.size() ? " and " : ", ") + all[i];
  return text;
}

std::string short_text(double value) {
  char buffer[32];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific, 1).ptr};
}

}  // namespace triptych::app
