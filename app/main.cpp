#include <algorithm>
#include <string>
#include <vector>

#include "app/command_line.h"
#include "app/failure.h"
#include "app/terminal.h"

int main(int argc, char** argv) {
  using namespace triptych::app;
  prepare_streams();
  const std::vector<std::string> args(argv + std::min(argc, 1), argv + argc);
  try {
    return read_command_line(args)();
  } catch (...) {
    // Not from the parsed options: these may be what is wrong.
    return report_failure(std::find(args.begin(), args.end(), "--json") != args.end());
  }
}
