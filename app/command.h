// A subcommand of the program. A new one is one file that defines a Command and one line in commands.cpp.
#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace triptych::app {

struct Command {
  const char* name;
  const char* summary;   // one line, a verb first, no full stop
  const char* examples;  // complete command lines, one a line
  // Declares the arguments and options. The returned function runs once the command line has been read; it gives the
  // exit status, and throws triptych::Error for everything that is the user's to put right.
  std::function<int()> (*setup)(CLI::App& options);
};

}  // namespace triptych::app
