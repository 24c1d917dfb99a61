#include "app/train_signals.h"

#include <signal.h>
#include <unistd.h>

namespace triptych::app {
namespace {

volatile sig_atomic_t first = 0;

void note(int signal) {
  if (first != 0) ::_exit(128 + signal);
  first = signal;
}

struct sigaction old_interrupt, old_terminate;

}  // namespace

StopSignals::StopSignals() {
  first = 0;
  struct sigaction action {};
  action.sa_handler = note;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, &old_interrupt);
  ::sigaction(SIGTERM, &action, &old_terminate);
}

StopSignals::~StopSignals() {
  ::sigaction(SIGINT, &old_interrupt, nullptr);
  ::sigaction(SIGTERM, &old_terminate, nullptr);
}

int StopSignals::received() { return first; }

}  // namespace triptych::app
