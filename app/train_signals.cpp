#include "app/train_signals.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>

namespace triptych::app {
namespace {

volatile sig_atomic_t first = 0;

void note(int signal) {
  if (first != 0) ::_exit(128 + signal);
  first = signal;
}

struct sigaction old_interrupt, old_terminate;
sigset_t old_mask;

sigset_t ours() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

StopSignals::StopSignals() {
  first = 0;
  struct sigaction action {};
  action.sa_handler = note;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, &old_interrupt);
  ::sigaction(SIGTERM, &action, &old_terminate);
  const sigset_t set = ours();
  ::pthread_sigmask(SIG_BLOCK, &set, &old_mask);
  listener_ = std::jthread([set](const std::stop_token& stop) {
    ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any().wait(lock, stop, [] { return false; });
  });
}

StopSignals::~StopSignals() {
  listener_.request_stop();
  listener_.join();
  ::sigaction(SIGINT, &old_interrupt, nullptr);
  ::sigaction(SIGTERM, &old_terminate, nullptr);
  ::pthread_sigmask(SIG_SETMASK, &old_mask, nullptr);
}

int StopSignals::received() { return first; }

}  // namespace triptych::app
