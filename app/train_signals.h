// Ctrl-C and termination while training: the first one asks to stop, the second one leaves at once.
#pragma once

namespace triptych::app {

class StopSignals {
 public:
  StopSignals();   // from now on SIGINT and SIGTERM are noted
  ~StopSignals();  // as before
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  // SIGINT, SIGTERM, or 0 when none has come.
  static int received();
};

}  // namespace triptych::app
