// The texts of --help: examples first.
#pragma once

#include <memory>
#include <string>

namespace CLI {
class FormatterBase;
}

namespace triptych::app {

// What `triptych` and `triptych --help` print: the commands and how to go on.
std::string overview();

// Lays out `triptych COMMAND --help`.
std::shared_ptr<CLI::FormatterBase> help_formatter();

}  // namespace triptych::app
