// From the words of the command line to the function that does what they ask.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace triptych::app {

// args: without the program's name. The returned function does the work and gives the exit status. Throws Error(usage)
// that names the nearest command or option; nothing has been read or written then.
std::function<int()> read_command_line(const std::vector<std::string>& args);

}  // namespace triptych::app
