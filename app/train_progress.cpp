#include "app/train_progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string_view>

#include "app/terminal.h"

namespace triptych::app {
namespace {

using Seconds = std::chrono::duration<double>;
constexpr double redraw_every = 0.1, plain_every = 30;

std::string clock_text(double seconds) {
  const auto s = static_cast<std::int64_t>(std::clamp(seconds + 0.5, 0.0, 3.6e8));
  const auto two = [](std::int64_t v) { return (v < 10 ? "0" : "") + std::to_string(v); };
  return s < 3600 ? std::to_string(s / 60) + ":" + two(s % 60)
                  : std::to_string(s / 3600) + ":" + two(s / 60 % 60) + ":" + two(s % 60);
}

bool is_terminal() {
  const char* kind = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) == 1 && kind && *kind && std::string_view(kind) != "dumb";
}

int terminal_width() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col : 80;
}

}  // namespace

std::string progress_text(std::int64_t step, std::int64_t steps, std::int64_t taken, double seconds, double loss,
                          int width) {
  const double part = steps > 0 ? static_cast<double>(step) / static_cast<double>(steps) : 1;
  const double rate = seconds > 0 ? static_cast<double>(taken) / seconds : 0;
  const std::string percent = pad_left(std::to_string(static_cast<int>(100 * part)), 3) + "%";
  const std::string count = "  " + std::to_string(step) + "/" + std::to_string(steps);
  const std::string speed = rate > 0 ? "  " + fixed_text(rate, rate < 10 ? 2 : 0) + " steps/s" : "";
  const std::string left =
      rate > 0 && step < steps ? "  " + clock_text(static_cast<double>(steps - step) / rate) + " left" : "";
  const std::string tail = "  loss " + fixed_text(loss, 4);
  std::string line = percent + count + speed + left + tail;
  const int room = width - static_cast<int>(line.size()) - 4;
  if (room >= 10) {
    const auto size = static_cast<std::size_t>(std::min(room, 30));
    const auto done = static_cast<std::size_t>(part * static_cast<double>(size));
    line = percent + "  [" + std::string(done, '#') + std::string(size - done, '-') + "]" + count + speed + left + tail;
  }
  if (static_cast<int>(line.size()) > width) line = percent + count + left + tail;
  if (static_cast<int>(line.size()) > width) line = percent + left;
  return line.substr(0, static_cast<std::size_t>(std::max(width, 0)));
}

Progress::Progress(std::int64_t first_step)
    : terminal_(is_terminal()), first_step_(first_step), tenth_(-1), start_(Clock::now()), last_(start_) {}

Progress::~Progress() {
  if (line_open_) say("\n");
}

double Progress::seconds() const { return Seconds(Clock::now() - start_).count(); }

void Progress::show(std::int64_t step, std::int64_t steps, double loss) {
  const auto now = Clock::now();
  const double since = Seconds(now - last_).count();
  const std::int64_t tenth = 10 * step / steps;
  const bool due =
      terminal_ ? since >= redraw_every || !line_open_ || step == steps : tenth != tenth_ || since >= plain_every;
  if (!due) return;
  last_ = now;
  tenth_ = tenth;
  const int width = terminal_ ? terminal_width() - 1 : 100;
  const std::string line = progress_text(step, steps, step - first_step_, seconds(), loss, width);
  if (!terminal_) return say(line + "\n");
  say("\r" + pad(line, static_cast<std::size_t>(width)));
  line_open_ = true;
}

}  // namespace triptych::app
