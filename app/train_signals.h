// Ctrl-C and termination while training: the first one asks to stop, the second one leaves at once.
//
// A thread of its own takes them; this one and those that it starts from now on do not. oneDNN's generated kernels keep
// numbers below the stack pointer, further than the ABI's red zone: a handler on top of them writes over these.
#pragma once

#include <thread>

namespace triptych::app {

class StopSignals {
 public:
  StopSignals();   // from now on SIGINT and SIGTERM are noted; before any parallel work
  ~StopSignals();  // as before
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  // SIGINT, SIGTERM, or 0 when none has come.
  static int received();

 private:
  std::jthread listener_;
};

}  // namespace triptych::app
