#include <sys/auxv.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "app/command_line.h"
#include "app/failure.h"
#include "app/terminal.h"

namespace {

// docs/decisions/0010: GCC's OpenMP lets a thread that waits spin for a millisecond or more, and another busy program
// then makes a step take up to a hundred times as long. The runtime reads its settings before main(), so they are set
// and the program starts itself again; where it cannot, all stays as it was.
void spin_briefly(char** argv) {
  if (std::getenv("OMP_WAIT_POLICY") || std::getenv("GOMP_SPINCOUNT")) return;
  if (::getauxval(AT_BASE) == 0) return;  // started by the loader's name: /proc/self/exe is the loader
  std::error_code error;
  const std::string self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error || ::setenv("GOMP_SPINCOUNT", "3000", 0) != 0) return;
  ::execv(self.c_str(), argv);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace triptych::app;
  spin_briefly(argv);
  prepare_streams();
  const std::vector<std::string> args(argv + std::min(argc, 1), argv + argc);
  try {
    return read_command_line(args)();
  } catch (...) {
    // Not from the parsed options: these may be what is wrong.
    return report_failure(std::find(args.begin(), args.end(), "--json") != args.end());
  }
}
